"""Signature hashes: what a signature in an input signs (original rules, BIP-143, BIP-341)."""

from collections.abc import Sequence

from khazana.bitcoin.hashes import from_displayed, sha256, sha256d, tagged_hash
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.script import OP_CODESEPARATOR, instructions
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut
from khazana.units import Sats

SIGHASH_DEFAULT = 0x00
"""BIP-341: everything, written without a byte of its own."""
SIGHASH_ALL = 0x01
SIGHASH_NONE = 0x02
SIGHASH_SINGLE = 0x03
SIGHASH_ANYONECANPAY = 0x80

_OUTPUT_BITS = 0x1F
_TAPROOT_TYPES = (0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83)
_NO_CODESEPARATOR = 0xFFFF_FFFF
_NOTHING = bytes(32)
_ONE = (1).to_bytes(32, "little")


def legacy_sighash(
    transaction: Transaction, position: int, *, script_code: bytes, hash_type: int
) -> bytes:
    """The digest signed by input `position` before segregated witness, 32 bytes as hashed.

    script_code: the script being run, from its last executed OP_CODESEPARATOR on.
    hash_type: 32 bits, of which consensus hashes all and reads eight.
    """
    _check_position(transaction, position)
    outputs_signed = hash_type & _OUTPUT_BITS
    if outputs_signed == SIGHASH_SINGLE and position >= len(transaction.outputs):
        return _ONE  # the original client's error value, kept by consensus
    code = _without_codeseparators(script_code)
    others_move = outputs_signed in (SIGHASH_NONE, SIGHASH_SINGLE)

    def signed_input(index: int, spent: TxIn) -> TxIn:
        mine = index == position
        sequence = spent.sequence if mine or not others_move else 0
        return TxIn(spent.outpoint, code if mine else b"", sequence)

    inputs = tuple(signed_input(i, spent) for i, spent in enumerate(transaction.inputs))
    if hash_type & SIGHASH_ANYONECANPAY:
        inputs = inputs[position : position + 1]
    outputs = transaction.outputs
    if outputs_signed == SIGHASH_NONE:
        outputs = ()
    elif outputs_signed == SIGHASH_SINGLE:
        outputs = (TxOut(Sats(-1), b""),) * position + (outputs[position],)
    signed = Transaction(transaction.version, inputs, outputs, transaction.lock_time)
    return sha256d(signed.serialize(witness=False) + _u32(hash_type & 0xFFFF_FFFF))


def segwit_v0_sighash(
    transaction: Transaction, position: int, *, script_code: bytes, amount: Sats, hash_type: int
) -> bytes:
    """The digest signed by input `position` of witness version 0 (BIP-143), 32 bytes.

    script_code: the P2PKH script of the key for P2WPKH, else the witness script from its last
    executed OP_CODESEPARATOR on. amount: what the spent output holds.
    """
    _check_position(transaction, position)
    outputs_signed = hash_type & _OUTPUT_BITS
    alone = bool(hash_type & SIGHASH_ANYONECANPAY)
    outpoints = sequences = outputs = _NOTHING
    if not alone:
        outpoints = sha256(transaction.outpoints_sha256)
    if not alone and outputs_signed not in (SIGHASH_NONE, SIGHASH_SINGLE):
        sequences = sha256(transaction.sequences_sha256)
    if outputs_signed not in (SIGHASH_NONE, SIGHASH_SINGLE):
        outputs = sha256(transaction.outputs_sha256)
    elif outputs_signed == SIGHASH_SINGLE and position < len(transaction.outputs):
        outputs = sha256d(_output(transaction.outputs[position]))
    mine = transaction.inputs[position]
    return sha256d(
        b"".join(
            [
                _u32(transaction.version),
                outpoints,
                sequences,
                _outpoint(mine),
                compact_size(len(script_code)) + script_code,
                amount.to_bytes(8, "little", signed=True),
                _u32(mine.sequence),
                outputs,
                _u32(transaction.lock_time),
                _u32(hash_type & 0xFFFF_FFFF),
            ]
        )
    )


def taproot_sighash(
    transaction: Transaction,
    position: int,
    *,
    spent: Sequence[TxOut],
    hash_type: int = SIGHASH_DEFAULT,
    annex: bytes | None = None,
    leaf_hash: bytes | None = None,
    codeseparator: int = _NO_CODESEPARATOR,
) -> bytes:
    """The digest signed by input `position` of a taproot output (BIP-341), 32 bytes.

    spent: the output that each input spends, in order. annex: with its first byte 0x50.
    leaf_hash: of the script that is run (BIP-342), None for the key path.
    """
    _check_position(transaction, position)
    if len(spent) != len(transaction.inputs):
        raise ValueError(f"{len(spent)} spent outputs for {len(transaction.inputs)} inputs")
    if hash_type not in _TAPROOT_TYPES:
        raise ValueError(f"no taproot hash type {hash_type:#04x}")
    outputs_signed, mine = hash_type & 3, transaction.inputs[position]
    if outputs_signed == SIGHASH_SINGLE and position >= len(transaction.outputs):
        raise ValueError(f"SIGHASH_SINGLE for input {position}, which has no output beside it")
    message = [b"\x00", bytes([hash_type]), _u32(transaction.version), _u32(transaction.lock_time)]
    if not hash_type & SIGHASH_ANYONECANPAY:
        message += [
            transaction.outpoints_sha256,
            sha256(b"".join(output.amount.to_bytes(8, "little") for output in spent)),
            sha256(b"".join(_sized(output.script) for output in spent)),
            transaction.sequences_sha256,
        ]
    if outputs_signed not in (SIGHASH_NONE, SIGHASH_SINGLE):
        message.append(transaction.outputs_sha256)
    message.append(bytes([2 * (leaf_hash is not None) + (annex is not None)]))
    if hash_type & SIGHASH_ANYONECANPAY:
        message += [_outpoint(mine), _output(spent[position]), _u32(mine.sequence)]
    else:
        message.append(_u32(position))
    if annex is not None:
        message.append(sha256(_sized(annex)))
    if outputs_signed == SIGHASH_SINGLE:
        message.append(sha256(_output(transaction.outputs[position])))
    if leaf_hash is not None:
        message += [leaf_hash, b"\x00", _u32(codeseparator)]
    return tagged_hash("TapSighash", b"".join(message))


def _without_codeseparators(script: bytes) -> bytes:
    return b"".join(
        script[step.start : step.end]
        for step in instructions(script)
        if step.opcode != OP_CODESEPARATOR
    )


def _check_position(transaction: Transaction, position: int) -> None:
    if not 0 <= position < len(transaction.inputs):
        raise ValueError(f"no input {position} among {len(transaction.inputs)}")


def _outpoint(spent: TxIn) -> bytes:
    return from_displayed(spent.outpoint.txid) + _u32(spent.outpoint.vout)


def _output(output: TxOut) -> bytes:
    return output.amount.to_bytes(8, "little", signed=True) + _sized(output.script)


def _sized(data: bytes) -> bytes:
    return compact_size(len(data)) + data


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
