"""Reconciliation: postings that nothing explains yet."""
