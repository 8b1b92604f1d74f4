"""Bots: state, history, configuration."""
