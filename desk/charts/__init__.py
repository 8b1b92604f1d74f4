"""Arrays to PNG: the only room with matplotlib."""
