"""News and moods: headlines with the time at which they were known, and what they say about a pair."""
