"""Supervision: what a regulator asks of providers, and what their customers check alone."""
