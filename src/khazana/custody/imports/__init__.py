"""Wallets as other programs export them, turned into one checked descriptor."""
