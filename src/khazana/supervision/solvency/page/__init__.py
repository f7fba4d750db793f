"""The page on which a customer checks a slip, from disk and without a network."""
