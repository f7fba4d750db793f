"""Audits: requests, samples, working papers and the signed opinion."""
