"""Mining in the demo: twelve invented sites, their meters, their pool, and one diverted month."""
