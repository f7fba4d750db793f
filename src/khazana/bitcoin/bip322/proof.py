"""Reads a signature into one shape, whatever its form: `to_sign` and what its inputs spend."""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.bitcoin.bip322.encoding import malformed, read_stack, read_text
from khazana.bitcoin.bip322.psbt import Psbt, PsbtInput, read_psbt
from khazana.bitcoin.bip322.transactions import check_amount, check_form, to_sign, to_spend
from khazana.bitcoin.bip322.verdict import Reason, Refusal, Variant
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.script import witness_program
from khazana.bitcoin.transaction import Transaction, TxIn, TxOut
from khazana.units import Txid

MAX_TEXT = 16_000_000
"""Characters of a signature that are read; a proof of a thousand coins takes about a million."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature as `to_sign`, complete with its scripts and witnesses.

    spent: the output of each input; None where the signature does not say it.
    """

    variant: Variant
    transaction: Transaction
    spent: tuple[TxOut | None, ...]


def read_proof(
    signature: str, *, script: bytes, message: bytes, allow_unprefixed: bool = False
) -> Proof:
    """Read a signature for `message` by the output script `script`; raises Refusal."""
    if len(signature) > MAX_TEXT:
        words = f"a signature of {len(signature)} characters is too long"
        raise Refusal(Reason.TOO_LARGE, words, conclusive=False)
    variant, raw = read_text(signature, allow_unprefixed=allow_unprefixed)
    posed = to_spend(message, script)
    try:
        if variant is Variant.SIMPLE:
            return _simple(raw, posed)
        if variant is Variant.FULL:
            answer = Transaction.parse(raw)
            check_form(answer, posed)
            return Proof(variant, answer, (posed.outputs[0], *(None for _ in answer.inputs[1:])))
        return _proof_of_funds(raw, posed, message)
    except MalformedBytes as problem:
        raise malformed(problem) from None


def _simple(raw: bytes, posed: Transaction) -> Proof:
    if witness_program(posed.outputs[0].script) is None:
        words = "a simple signature is for native segwit addresses; this one needs a full signature"
        raise Refusal(Reason.SIMPLE_NOT_ALLOWED, words)
    answer = to_sign(posed, read_stack(raw))
    return Proof(Variant.SIMPLE, answer, (posed.outputs[0],))


def _proof_of_funds(raw: bytes, posed: Transaction, message: bytes) -> Proof:
    psbt = read_psbt(raw)
    check_form(psbt.unsigned, posed)
    if psbt.message is not None and psbt.message != message:
        raise Refusal(Reason.OTHER_MESSAGE, "the PSBT's own message is another one")
    for position, part in enumerate(psbt.inputs):
        if not part.is_final:
            raise Refusal(Reason.NOT_FINALIZED, f"input {position} of the PSBT is not finalized")
    spent = _outputs(psbt)
    if spent[0] not in (None, posed.outputs[0]):
        words = "the PSBT says that its first input spends something else than to_spend's output"
        raise Refusal(Reason.PREVOUT_MISMATCH, words)
    inputs = tuple(
        TxIn(i.outpoint, part.script_sig or b"", i.sequence, part.witness or ())
        for i, part in zip(psbt.unsigned.inputs, psbt.inputs, strict=True)
    )
    unsigned = psbt.unsigned
    answer = Transaction(unsigned.version, inputs, unsigned.outputs, unsigned.lock_time)
    return Proof(Variant.PROOF_OF_FUNDS, answer, (posed.outputs[0], *spent[1:]))


def _outputs(psbt: Psbt) -> Sequence[TxOut | None]:
    """What each input spends, by the PSBT's word, which has to agree with itself."""
    seen: dict[Txid, Transaction] = {}
    spent = []
    for position, (i, part) in enumerate(zip(psbt.unsigned.inputs, psbt.inputs, strict=True)):
        if part.previous is not None:
            if part.previous.txid != i.outpoint.txid:
                words = f"the transaction given for input {position} is not the one it spends"
                raise Refusal(Reason.PREVOUT_MISMATCH, words)
            seen[i.outpoint.txid] = part.previous
        output = _output(i, position, part, seen.get(i.outpoint.txid))
        if output is not None:
            check_amount(output)
        spent.append(output)
    return spent


def _output(i: TxIn, position: int, part: PsbtInput, previous: Transaction | None) -> TxOut | None:
    # BIP-322: a transaction that an earlier input gave need not be given again.
    if previous is None:
        return part.spent
    if i.outpoint.vout >= len(previous.outputs):
        words = f"input {position} spends an output that its transaction does not have"
        raise Refusal(Reason.PREVOUT_MISMATCH, words)
    output = previous.outputs[i.outpoint.vout]
    if part.spent not in (None, output):
        words = f"the output given for input {position} is not the one of the transaction given"
        raise Refusal(Reason.PREVOUT_MISMATCH, words)
    return output
