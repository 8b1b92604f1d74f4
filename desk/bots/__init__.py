"""Account engine loops, their supervisor and snapshots."""
