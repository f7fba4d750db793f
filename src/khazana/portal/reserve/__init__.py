"""What the state holds and how it changed, page by page."""
