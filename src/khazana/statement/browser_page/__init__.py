"""The page that checks a statement in a browser: one file, from disk, with no network."""
