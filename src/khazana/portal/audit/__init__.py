"""The staff's acts as an append-only log whose digests form a chain."""
