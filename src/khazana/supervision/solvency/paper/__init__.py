"""Slips on paper: a page for each customer with a QR code that a cheap phone reads."""
