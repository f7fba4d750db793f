"""An office's feed: static files under one signed log, which the partner copies and judges."""
