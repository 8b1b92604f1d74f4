"""Exchanges behind one port."""
