"""Learned forecasts: networks, their training as a job, their export; torch is needed here and nowhere else."""
