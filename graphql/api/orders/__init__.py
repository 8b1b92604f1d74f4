"""Orders, fills and signals."""
