"""Cards as mail."""

from chatops.email.letters import letter_of, render_alert

__all__ = ["letter_of", "render_alert"]
