"""Custody: who can move the coins, in plain words, and what keeps the keys apart and alive."""
