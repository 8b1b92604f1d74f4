"""Learning from candles: features, labels, splits and honest judgement; the same code in training and live."""
