"""The application: commands, ports, bus, store, bots."""
