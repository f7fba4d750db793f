"""Devnet: an embedded regtest network with an Esplora API, for demos, lessons and tests."""
