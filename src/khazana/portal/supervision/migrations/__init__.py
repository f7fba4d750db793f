"""The tables of supervised providers."""
