"""The hash functions Bitcoin uses, and how it displays them."""

import hashlib


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def sha256d(data: bytes) -> bytes:
    """SHA-256 twice: the hash of transactions, blocks and Base58 checksums. 32 bytes."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def tagged_hash(tag: str, data: bytes) -> bytes:
    """BIP-340's tagged hash: SHA-256(SHA-256(tag) || SHA-256(tag) || data). 32 bytes."""
    prefix = sha256(tag.encode("ascii"))
    return sha256(prefix + prefix + data)


def displayed(hash_le: bytes) -> str:
    """A hash as people see it: bytes reversed, in hex."""
    return hash_le[::-1].hex()


def from_displayed(text: str) -> bytes:
    """The 32 raw bytes, in the order Bitcoin hashes them, of a hash as people see it."""
    raw = bytes.fromhex(text)
    if len(raw) != 32:
        raise ValueError(f"a hash has 64 hex digits, not {len(text)}: {text!r}")
    return raw[::-1]
