"""Proofs that something existed when a block was found, in the form of OpenTimestamps."""
