"""Mining: from metered megawatt-hours to bitcoin that arrived."""
