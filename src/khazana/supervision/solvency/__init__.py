"""Proof of what a provider owes its customers: a tree that each of them and the state can check."""
