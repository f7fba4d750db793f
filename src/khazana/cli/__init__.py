"""The command line: fetches, calls a room, prints."""
