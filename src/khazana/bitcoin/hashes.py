"""The hash functions Bitcoin uses, and how it displays them."""

import hashlib

import wallycore


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes."""
    return hashlib.sha256(data).digest()


def sha256d(data: bytes) -> bytes:
    """SHA-256 twice: the hash of transactions, blocks and Base58 checksums. 32 bytes."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256: how P2PKH, P2SH and P2WPKH name a key or a script. 20 bytes."""
    # wallycore's own code: OpenSSL leaves RIPEMD-160 out on many systems.
    return bytes(wallycore.hash160(data))


def ripemd160(data: bytes) -> bytes:
    """RIPEMD-160 alone, as some scripts lock coins to a secret. 20 bytes."""
    return bytes(wallycore.ripemd160(data))


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
    # fromhex skips blanks, so the text's own length is checked as well.
    if len(raw) != 32 or len(text) != 64:
        raise ValueError(f"a hash has 64 hex digits, not {len(text)}: {text!r}")
    return raw[::-1]
