"""One compiled engine for backtest, paper and live."""
