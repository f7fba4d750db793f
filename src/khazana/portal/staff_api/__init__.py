"""The staff's API: what the desk shows, for programs of the office."""
