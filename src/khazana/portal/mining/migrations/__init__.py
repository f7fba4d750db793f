"""Tables of the mining sites."""
