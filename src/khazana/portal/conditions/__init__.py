"""Is each condition of the lender's arrangement kept today, and how do we know."""
