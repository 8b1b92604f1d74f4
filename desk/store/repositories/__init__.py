"""One repository per protocol of `desk.ports`, all on one connection of one transaction."""
