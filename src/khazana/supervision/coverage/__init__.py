"""A provider's coverage statement: what it owes and what covers it, at one block."""
