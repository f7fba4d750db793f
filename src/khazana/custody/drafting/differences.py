"""A PSBT that came back against the order that went out: every difference by name (rule D10)."""

from collections.abc import Iterator

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.psbt import IN_NON_WITNESS_UTXO, PsbtMap, read_psbt
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.sighash import SIGHASH_ALL, SIGHASH_DEFAULT
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.custody.campaign_psbt import (
    IN_PARTIAL_SIG,
    IN_SIGHASH_TYPE,
    IN_TAP_KEY_SIG,
    IN_TAP_SCRIPT_SIG,
)
from khazana.custody.drafting.draft import Draft
from khazana.custody.psbt_files import maps_of, psbt_of_file
from khazana.ledger.findings import Finding
from khazana.units import btc_from_sats

_RULE = "D10"
_HASH_TYPES = {
    0x00: "SIGHASH_DEFAULT", 0x01: "SIGHASH_ALL", 0x02: "SIGHASH_NONE", 0x03: "SIGHASH_SINGLE",
    0x81: "SIGHASH_ALL with ANYONECANPAY", 0x82: "SIGHASH_NONE with ANYONECANPAY",
    0x83: "SIGHASH_SINGLE with ANYONECANPAY",
}  # fmt: skip
_FIELDS = {
    0x00: "the previous transaction", 0x01: "the spent amount or script",
    0x04: "the redeem script", 0x05: "the witness script", 0x06: "a key's origin",
    0x15: "a taproot leaf", 0x16: "a taproot key's origin", 0x17: "the taproot internal key",
    0x18: "the taproot tree's root",
}  # fmt: skip
_ADDED_BY_SIGNERS = (IN_PARTIAL_SIG, IN_TAP_KEY_SIG, IN_TAP_SCRIPT_SIG)


def differences(draft: Draft, psbt: bytes) -> tuple[Finding, ...]:
    """Everything in a PSBT (bytes or base64) that is not this order; nothing if it is the same.

    Signers add signatures and fields of their own, and may drop what they no longer need.
    """
    try:
        raw = psbt_of_file(psbt)
        read_psbt(raw)
        unsigned, maps = maps_of(raw)
    except MalformedBytes as wrong:
        return (Finding(_RULE, f"it cannot be read: {wrong}", "the file"),)
    found = (*_of_transactions(draft, unsigned),)
    if len(unsigned.inputs) != len(draft.inputs):
        return found
    _, planned = maps_of(draft.psbt)
    fields = [
        finding
        for position, (ours, theirs) in enumerate(zip(planned, maps, strict=True))
        for finding in _of_inputs(position, unsigned, ours, theirs)
    ]
    return (*found, *fields)


def _of_transactions(draft: Draft, other: Transaction) -> Iterator[Finding]:
    ours = draft.unsigned
    if other.version != ours.version:
        yield Finding(_RULE, f"version {other.version}, not {ours.version}", "the transaction")
    if other.lock_time != ours.lock_time:
        text = f"lock time {other.lock_time}, not {ours.lock_time}"
        yield Finding(_RULE, text, "the transaction")
    expected = {each.outpoint: each for each in ours.inputs}
    found = {each.outpoint: each for each in other.inputs}
    for outpoint in expected.keys() - found.keys():
        yield Finding(_RULE, f"it no longer spends coin {outpoint}", "inputs")
    for outpoint in found.keys() - expected.keys():
        yield Finding(_RULE, f"it spends another coin, {outpoint}", "inputs")
    for position, each in enumerate(other.inputs):
        mine = expected.get(each.outpoint)
        if mine is not None and each.sequence != mine.sequence:
            text = f"sequence {each.sequence:#010x}, not {mine.sequence:#010x}"
            yield Finding(_RULE, text, f"input {position}")
    if [i.outpoint for i in other.inputs] != [i.outpoint for i in ours.inputs] and (
        expected.keys() == found.keys()
    ):
        yield Finding(_RULE, "the same coins stand in another order", "inputs")
    yield from _of_outputs(draft, other)


def _of_outputs(draft: Draft, other: Transaction) -> Iterator[Finding]:
    names = {each.vout: "payment" for each in draft.payments}
    names |= {each.vout: "change" for each in draft.change}
    ours = draft.unsigned.outputs
    for vout in range(max(len(ours), len(other.outputs))):
        where = f"output {vout}"
        if vout >= len(ours):
            yield Finding(_RULE, f"one more output, {_said(draft, other.outputs[vout])}", where)
        elif vout >= len(other.outputs):
            text = f"the {names[vout]} {_said(draft, ours[vout])} is gone"
            yield Finding(_RULE, text, where)
        elif other.outputs[vout] != ours[vout]:
            text = (
                f"{_said(draft, other.outputs[vout])} instead of the {names[vout]} "
                f"{_said(draft, ours[vout])}"
            )
            yield Finding(_RULE, text, where)


def _of_inputs(
    position: int, unsigned: Transaction, ours: PsbtMap, theirs: PsbtMap
) -> Iterator[Finding]:
    where = f"input {position}"
    for key, value in sorted(theirs.items()):
        if key == bytes([IN_SIGHASH_TYPE]):
            kind = int.from_bytes(value, "little")
            if kind not in (SIGHASH_DEFAULT, SIGHASH_ALL):
                yield _sighash(kind, where, "asks for")
        elif key[0] in _ADDED_BY_SIGNERS:
            kind = _hash_type(key, value)
            if kind not in (SIGHASH_DEFAULT, SIGHASH_ALL):
                yield _sighash(kind, where, "is signed with")
        elif key in ours and ours[key] != value:
            text = f"{_FIELDS.get(key[0], f'field {key[0]:#04x}')} was changed"
            yield Finding(_RULE, text, where)
        elif key not in ours and key == bytes([IN_NON_WITNESS_UTXO]):
            try:
                txid = Transaction.parse(value).txid
            except MalformedBytes:
                txid = None
            if txid != unsigned.inputs[position].outpoint.txid:
                yield Finding(_RULE, "it carries a transaction that it does not spend", where)
        elif key not in ours and key[0] in _FIELDS and key[0] not in (0x06, 0x16):
            yield Finding(_RULE, f"{_FIELDS[key[0]]} was added", where)


def _hash_type(key: bytes, signature: bytes) -> int:
    if key[0] == IN_PARTIAL_SIG:
        return signature[-1] if signature else SIGHASH_ALL
    return signature[64] if len(signature) == 65 else SIGHASH_DEFAULT


def _sighash(kind: int, where: str, verb: str) -> Finding:
    name = _HASH_TYPES.get(kind, f"hash type {kind:#04x}")
    text = f"it {verb} {name}; only SIGHASH_ALL signs every input and output"
    return Finding(_RULE, text, where)


def _said(draft: Draft, output: TxOut) -> str:
    payee = address_of(output.script, draft.network) or f"script {output.script.hex()}"
    return f"{btc_from_sats(output.amount)} BTC to {payee}"
