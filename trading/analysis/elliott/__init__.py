"""The causal Elliott wave engine."""
