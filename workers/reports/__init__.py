"""Reports as jobs."""
