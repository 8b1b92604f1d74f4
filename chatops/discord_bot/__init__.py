"""The Discord door. Import its modules where they are used: the library takes more than a second to load."""
