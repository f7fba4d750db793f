"""What the rooms' values are called on a page, in four languages."""
