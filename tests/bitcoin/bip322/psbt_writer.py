"""Writes PSBTs for the tests, well-formed or not."""

from collections.abc import Iterable, Sequence

from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut

Pairs = list[tuple[bytes, bytes]]


def sized(data: bytes) -> bytes:
    return compact_size(len(data)) + data


def written_map(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join(sized(key) + sized(value) for key, value in pairs) + b"\x00"


def output(spent: TxOut) -> bytes:
    return spent.amount.to_bytes(8, "little", signed=True) + sized(spent.script)


def unsigned(transaction: Transaction) -> Transaction:
    return Transaction(
        transaction.version,
        tuple(TxIn(i.outpoint, b"", i.sequence) for i in transaction.inputs),
        transaction.outputs,
        transaction.lock_time,
    )


def input_pairs(source: TxIn, spent: TxOut | Transaction | None) -> Pairs:
    """One finalized input; spent: as witness UTXO or as the whole transaction."""
    pairs: Pairs = []
    if isinstance(spent, Transaction):
        pairs.append((b"\x00", spent.serialize()))
    elif spent is not None:
        pairs.append((b"\x01", output(spent)))
    if source.script_sig:
        pairs.append((b"\x07", source.script_sig))
    if source.witness:
        stack = compact_size(len(source.witness)) + b"".join(map(sized, source.witness))
        pairs.append((b"\x08", stack))
    return pairs


def psbt(
    transaction: Transaction,
    inputs: Sequence[Pairs],
    *,
    message: bytes | None = None,
    more: Sequence[tuple[bytes, bytes]] = (),
) -> bytes:
    """transaction: written without its signatures. more: further pairs of the global map."""
    globals_ = [(b"\x00", unsigned(transaction).serialize(witness=False)), *more]
    if message is not None:
        globals_.append((b"\x09", message))
    maps = [written_map(pairs) for pairs in (globals_, *inputs)]
    return b"psbt\xff" + b"".join(maps) + b"\x00" * len(transaction.outputs)
