"""Devices of the control tests: each signs its part of a PSBT, honestly or not."""

import hashlib
from collections.abc import Mapping

import wallycore

from khazana.bitcoin.bip322.psbt import PsbtMap, read_map
from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.reader import Reader
from khazana.bitcoin.sighash import SIGHASH_ALL, legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.custody.campaign import Round
from khazana.custody.psbt_files import written_psbt

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def master(name: str) -> object:
    seed = hashlib.sha256(b"device " + name.encode()).digest()
    return wallycore.bip32_key_from_seed(seed, wallycore.BIP32_VER_TEST_PRIVATE, 0)


def fingerprint(name: str) -> str:
    return bytes(wallycore.bip32_key_get_fingerprint(master(name))).hex()


def expression(name: str) -> str:
    key = wallycore.bip32_key_from_parent_path_str(master(name), "m/48h/1h/0h", 0, 0)
    xpub = wallycore.bip32_key_to_base58(key, wallycore.BIP32_FLAG_KEY_PUBLIC)
    return f"[{fingerprint(name)}/48h/1h/0h]{xpub}/<0;1>/*"


def wallet(outline: str, *names: str) -> Descriptor:
    """wallet("wpkh({})", "anna"): a descriptor of named people's keys."""
    return parse_descriptor(outline.format(*map(expression, names)), REGTEST)


def secret(name: str, branch: int, index: int) -> bytes:
    path = f"m/48h/1h/0h/{branch}/{index}"
    key = wallycore.bip32_key_from_parent_path_str(master(name), path, 0, 0)
    return bytes(wallycore.bip32_key_get_priv_key(key))[-32:]


def maps(psbt: bytes) -> list[PsbtMap]:
    """All maps, the global one first; to be changed and written again."""
    reader = Reader(psbt, "PSBT")
    reader.offset = 5
    found = []
    while reader.offset < len(psbt):
        found.append(read_map(reader))
    return found


def signed(
    round_: Round, name: str, *, hash_type: int = SIGHASH_ALL, high_s: bool = False
) -> bytes:
    """The round's PSBT with this device's signatures on every input."""
    all_maps = maps(round_.psbt)
    for position, each in enumerate(round_.inputs):
        key = secret(name, each.branch, each.index)
        all_maps[1 + position].update(
            _signature(round_, position, key, hash_type=hash_type, high_s=high_s)
        )
    return written_psbt(all_maps)


def _signature(
    round_: Round, position: int, key: bytes, *, hash_type: int, high_s: bool
) -> Mapping[bytes, bytes]:
    each, unsigned = round_.inputs[position], round_.unsigned
    code = each.scripts.code
    if code is None:
        tweaked = wallycore.ec_private_key_bip341_tweak(key, None, 0)
        kind = 0 if hash_type == SIGHASH_ALL else hash_type
        digest = taproot_sighash(unsigned, position, spent=round_.spent, hash_type=kind)
        made = bytes(wallycore.ec_sig_from_bytes(tweaked, digest, wallycore.EC_FLAG_SCHNORR))
        return {b"\x13": made + (bytes([kind]) if kind else b"")}
    if each.scripts.segwit:
        digest = segwit_v0_sighash(
            unsigned, position, script_code=code, amount=each.spent.amount, hash_type=hash_type
        )
    else:
        digest = legacy_sighash(unsigned, position, script_code=code, hash_type=hash_type)
    compact = bytes(wallycore.ec_sig_from_bytes(key, digest, wallycore.EC_FLAG_ECDSA))
    if high_s:
        s = ORDER - int.from_bytes(compact[32:], "big")
        compact = compact[:32] + s.to_bytes(32, "big")
    public = bytes(wallycore.ec_public_key_from_private_key(key))
    return {b"\x02" + public: bytes(wallycore.ec_sig_to_der(compact)) + bytes([hash_type])}
