"""Learned models: versions with their cards, promotion and rollback, files, forecasts and drift."""
