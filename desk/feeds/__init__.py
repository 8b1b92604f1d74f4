"""Market data behind one port."""
