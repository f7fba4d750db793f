"""Agreements: one text in several languages under one hash, and commitments that are computed."""
