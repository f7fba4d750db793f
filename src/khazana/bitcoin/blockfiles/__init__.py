"""A node's raw block files: which blocks they hold, and what those blocks say about scripts."""
