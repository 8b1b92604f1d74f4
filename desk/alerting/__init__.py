"""From fact to message: rules and the outbox pump."""
