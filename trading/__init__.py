"""The pure core: market, analysis, risk, engine, backtest. No I/O, no clock, no framework."""
