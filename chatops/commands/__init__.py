"""The words of the command book."""
