"""Generic signed messages (BIP-322): what they look like, and whether the keys really signed."""
