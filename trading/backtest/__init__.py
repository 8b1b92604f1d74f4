"""Running strategies over stored candles, and judging the result."""
