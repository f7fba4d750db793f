"""The transparency log: append-only entries under signed checkpoints, as files anyone can serve."""
