"""The public portal: fetches, calls a room, stores and shows; it decides nothing."""
