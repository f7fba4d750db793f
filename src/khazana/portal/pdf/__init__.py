"""Statements as PDF/A-3 documents for people, with the signed file attached for programs."""
