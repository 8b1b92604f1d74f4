"""Sentiment of headlines: training, exporting and judging the model that ships with the product."""
