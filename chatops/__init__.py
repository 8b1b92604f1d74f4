"""Chat doors: one command book, many mouths."""
