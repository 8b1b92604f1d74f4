"""Accounts, positions, trades, equity and performance."""
