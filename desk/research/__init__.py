"""Research as the desk runs it: backtests, searches and walks from a request to a document of plain values."""
