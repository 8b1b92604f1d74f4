"""The web door and the wiring."""
