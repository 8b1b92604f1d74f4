"""Indicators and wave analysis, causal by construction."""
