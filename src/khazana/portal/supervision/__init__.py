"""Pages of the supervised providers: what they owe, what covers it, and a customer's own check."""
