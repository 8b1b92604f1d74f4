"""Catalogues of texts, by language."""
