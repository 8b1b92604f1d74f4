"""Members, tokens, preferences and the audit."""
