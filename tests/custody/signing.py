"""Devices of the control tests: each signs its part of a PSBT, honestly or not."""

import base64
import hashlib
from collections.abc import Mapping, Sequence

import wallycore

from khazana.bitcoin.bip137 import signed_hash
from khazana.bitcoin.bip322.encoding import write_simple
from khazana.bitcoin.bip322.psbt import PsbtMap, read_map
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.descriptor import Descriptor, parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.hashes import hash160
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.reader import Reader
from khazana.bitcoin.script import p2pkh, p2wpkh
from khazana.bitcoin.sighash import SIGHASH_ALL, legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut
from khazana.custody.campaign import Round
from khazana.custody.finalize import finalized
from khazana.custody.psbt_files import written_psbt
from khazana.custody.signing_scripts import signing_scripts
from khazana.units import Sats

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
        return _taproot_signatures(round_, position, key, hash_type=hash_type)
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


def _taproot_signatures(
    round_: Round, position: int, key: bytes, *, hash_type: int
) -> dict[bytes, bytes]:
    """For the key path if the key is the internal one, and for every leaf it stands in."""
    each = round_.inputs[position]
    kind = 0 if hash_type == SIGHASH_ALL else hash_type
    public = bytes(wallycore.ec_public_key_from_private_key(key))[1:]
    found = {}
    ways = [(b"\x14" + public + leaf.hash, key, leaf.hash) for leaf in each.scripts.tree]
    ways = [way for way, leaf in zip(ways, each.scripts.tree, strict=True) if public in leaf.script]
    if public == each.scripts.keys[0][1][-32:]:
        root = each.scripts.root
        ways.append((b"\x13", wallycore.ec_private_key_bip341_tweak(key, root, 0), None))
    for field, signer, leaf_hash in ways:
        digest = taproot_sighash(
            round_.unsigned, position, spent=round_.spent, hash_type=kind, leaf_hash=leaf_hash
        )
        made = bytes(wallycore.ec_sig_from_bytes(signer, digest, wallycore.EC_FLAG_SCHNORR))
        found[field] = made + (bytes([kind]) if kind else b"")
    return found


def message_signature(name: str, text: str, *, branch: int = 0, index: int = 0) -> str:
    """A device's signature of a message with its own key alone (BIP-137, as segwit)."""
    key = secret(name, branch, index)
    flags = wallycore.EC_FLAG_ECDSA | wallycore.EC_FLAG_RECOVERABLE
    made = bytearray(wallycore.ec_sig_from_bytes(key, signed_hash(text.encode()), flags))
    made[0] += 8  # libwally writes the header of a compressed key, 31 to 34; segwit begins at 39
    return base64.b64encode(bytes(made)).decode()


def single_key_proof(name: str, text: str, *, branch: int = 0, index: int = 0) -> str:
    """The same as a BIP-322 proof by the key's own P2WPKH address."""
    key = secret(name, branch, index)
    public = bytes(wallycore.ec_public_key_from_private_key(key))
    posed = to_spend(text.encode(), p2wpkh(hash160(public)))
    digest = segwit_v0_sighash(
        to_sign(posed), 0, script_code=p2pkh(hash160(public)), amount=Sats(0), hash_type=SIGHASH_ALL
    )
    made = bytes(wallycore.ec_sig_from_bytes(key, digest, wallycore.EC_FLAG_ECDSA))
    return write_simple([bytes(wallycore.ec_sig_to_der(made)) + b"\x01", public])


def spend(
    unsigned: Transaction,
    spent: Sequence[tuple[TxOut, Descriptor, int, Sequence[str]]],
    *,
    hash_type: int = SIGHASH_ALL,
) -> Transaction:
    """A real transaction, signed. spent: of each input the output, its wallet, index, signers."""
    outputs = [output for output, *_ in spent]
    inputs = []
    for position, (output, descriptor, index, names) in enumerate(spent):
        scripts = signing_scripts(descriptor, best_engine(), branch=0, index=index)
        signatures = {}
        for name in names:
            key = secret(name, 0, index)
            if scripts.code is None:
                tweaked = wallycore.ec_private_key_bip341_tweak(key, None, 0)
                digest = taproot_sighash(unsigned, position, spent=outputs, hash_type=0)
                flags = wallycore.EC_FLAG_SCHNORR
                signatures[scripts.output[2:]] = bytes(
                    wallycore.ec_sig_from_bytes(tweaked, digest, flags)
                )
                continue
            digest = segwit_v0_sighash(
                unsigned,
                position,
                script_code=scripts.code,
                amount=output.amount,
                hash_type=hash_type,
            )
            made = bytes(wallycore.ec_sig_from_bytes(key, digest, wallycore.EC_FLAG_ECDSA))
            public = bytes(wallycore.ec_public_key_from_private_key(key))
            signatures[public] = bytes(wallycore.ec_sig_to_der(made)) + bytes([hash_type])
        final = finalized(scripts, signatures)
        assert final is not None
        source = unsigned.inputs[position]
        inputs.append(TxIn(source.outpoint, final.script_sig, source.sequence, final.witness))
    return Transaction(unsigned.version, tuple(inputs), unsigned.outputs, unsigned.lock_time)
