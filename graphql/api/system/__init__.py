"""How the house itself is."""
