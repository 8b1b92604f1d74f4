"""Drift: what a bot earned beside what the backtester earns with the same rules on the same bars, and why they differ."""
