"""Candles, series, pairs and the strategies that read them."""
