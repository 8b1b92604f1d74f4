"""Reports: how bots did, and how far they are from their backtests."""
