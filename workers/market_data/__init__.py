"""Stored candles kept whole: fetched, filled back, verified, derived and forgotten by the clock."""
