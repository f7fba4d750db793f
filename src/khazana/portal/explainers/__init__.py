"""Short pages that explain what the figures rest on, in four languages."""
