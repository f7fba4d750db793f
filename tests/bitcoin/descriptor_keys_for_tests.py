"""Keys for descriptor tests: master keys from names, their public accounts, their secrets."""

import hashlib
from typing import NamedTuple

import wallycore


class Account(NamedTuple):
    """public: [fingerprint/48h/1h/0h]tpub... private: the same as tprv; wif: a key below it."""

    public: str
    private: str
    wif: str
    xpub: str
    fingerprint: str


def account(name: str, *, mainnet: bool = False) -> Account:
    version = wallycore.BIP32_VER_MAIN_PRIVATE if mainnet else wallycore.BIP32_VER_TEST_PRIVATE
    seed = hashlib.sha256(name.encode()).digest()
    master = wallycore.bip32_key_from_seed(seed, version, 0)
    fingerprint = bytes(wallycore.bip32_key_get_fingerprint(master)).hex()
    key = wallycore.bip32_key_from_parent_path_str(master, "m/48h/1h/0h", 0, 0)
    xpub = wallycore.bip32_key_to_base58(key, wallycore.BIP32_FLAG_KEY_PUBLIC)
    xprv = wallycore.bip32_key_to_base58(key, wallycore.BIP32_FLAG_KEY_PRIVATE)
    secret = bytes(wallycore.bip32_key_get_priv_key(key))
    wif = wallycore.wif_from_bytes(secret, 0x80 if mainnet else 0xEF, 0)
    origin = f"[{fingerprint}/48h/1h/0h]"
    return Account(origin + xpub, origin + xprv, wif, xpub, fingerprint)


A, B, C = (account(name).public for name in ("anna", "bo", "cia"))
XA, XB, XC = (account(name, mainnet=True).public for name in ("anna", "bo", "cia"))
