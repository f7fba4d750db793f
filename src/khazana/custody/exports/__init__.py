"""Wallets as other programs import them: public keys only, for watching and for carrying files."""
