"""Tags of the accord."""
