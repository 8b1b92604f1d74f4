"""Sizing, exits, limits and gates."""
