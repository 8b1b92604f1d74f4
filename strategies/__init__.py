"""Trading ideas, one per file, and their registry."""
