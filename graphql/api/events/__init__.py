"""The journal as a stream."""
