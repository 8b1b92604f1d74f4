"""Collectors: headlines and the Fear & Greed index, fetched by the clock. What they read is data and nothing else."""
