"""Reports of a day, a week or a month: asked for, gathered from the store, computed, and written as files."""
