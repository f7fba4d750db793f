"""Pages of the accord: agreements, commitments, and two states' rules side by side."""
