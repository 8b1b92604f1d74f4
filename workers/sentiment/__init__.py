"""Sentiment of headlines: training, exporting and judging a model of one's own."""
