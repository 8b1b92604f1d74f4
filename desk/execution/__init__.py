"""From intent to evidence: the only room that knows venues."""
