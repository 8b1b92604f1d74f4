"""Panic, locks and other brakes."""
