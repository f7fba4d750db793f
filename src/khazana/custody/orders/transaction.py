"""The transaction that carries out an order: what may stand in it, and how another one differs."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.psbt import Psbt, PsbtInput, read_psbt
from khazana.bitcoin.bip322.spends import judge_input
from khazana.bitcoin.bip322.verdict import Reason, Refusal
from khazana.bitcoin.network import Network
from khazana.bitcoin.script import ScriptKind, classify
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.orders.errors import TransactionDiffers
from khazana.custody.orders.order import Order
from khazana.custody.psbt_files import maps_of
from khazana.units import MAX_MONEY, Sats, Txid

_IN_SIGHASH = b"\x03"
_SIGHASH_ALL, _SIGHASH_DEFAULT = 1, 0


@dataclass(frozen=True)
class TransactionFacts:
    """An unsigned transaction with what its inputs spend; change: its outputs to the own wallet."""

    unsigned: Transaction
    spent: tuple[TxOut, ...]
    change: frozenset[int]
    psbt_sha256: str

    @cached_property
    def txid(self) -> Txid:
        """Of the unsigned form: what approvals name. With old inputs the signed txid is another."""
        return self.unsigned.txid

    @property
    def fee(self) -> Sats:
        paid = sum(output.amount for output in self.unsigned.outputs)
        return Sats(sum(output.amount for output in self.spent) - paid)

    @property
    def outpoints(self) -> frozenset[OutPoint]:
        return frozenset(each.outpoint for each in self.unsigned.inputs)


def unsigned_form(transaction: Transaction) -> Transaction:
    """The transaction without signatures: two with the same form spend and pay the same."""
    inputs = tuple(TxIn(each.outpoint, b"", each.sequence) for each in transaction.inputs)
    return replace(transaction, inputs=inputs)


def facts_of(
    order: Order,
    psbt: bytes,
    *,
    wallet_scripts: Collection[bytes],
    coins: Mapping[OutPoint, TxOut] | None = None,
    child_of: TransactionFacts | None = None,
) -> TransactionFacts:
    """What a PSBT would do, if it does exactly what the order asks for; else TransactionDiffers.

    wallet_scripts: of the wallet that the order spends from, derived and not read from the PSBT.
    coins: what a chain source says of the coins spent. child_of: the PSBT may only move the
    change of that transaction within the wallet, so that its fee pays for both (CPFP).
    """
    unsigned, inputs = _read(order, psbt)
    spent = tuple(
        _spent(order, number, unsigned.inputs[number].outpoint, each, coins or {})
        for number, each in enumerate(inputs)
    )
    for number, output in enumerate(spent):
        if output.script not in wallet_scripts:
            shown = _shown(output.script, order.network)
            raise _differs(
                order,
                "foreign_input",
                f"input {number} spends {output.amount} sat of {shown}, which is not of wallet "
                f"{order.account}",
            )
    wanted = (
        Counter()
        if child_of is not None
        else Counter((each.script, each.sats) for each in order.payments)
    )
    change = set()
    for vout, output in enumerate(unsigned.outputs):
        if output.amount <= 0 or output.amount > MAX_MONEY:
            raise _differs(order, "amount", f"output {vout} pays {output.amount} sat")
        if wanted[(output.script, output.amount)] > 0:
            wanted[(output.script, output.amount)] -= 1
        elif output.script in wallet_scripts:
            change.add(vout)
        else:
            shown = _shown(output.script, order.network)
            raise _differs(
                order,
                "foreign_output",
                f"output {vout} pays {output.amount} sat to {shown}, which the order does not ask "
                "for",
            )
    for (script, sats), times in wanted.items():
        if times:
            shown = _shown(script, order.network)
            raise _differs(
                order, "missing_payment", f"no output pays the {sats} sat ordered for {shown}"
            )
    facts = TransactionFacts(unsigned, spent, frozenset(change), hashlib.sha256(psbt).hexdigest())
    if facts.fee < 0:
        raise _differs(order, "fee", f"its outputs exceed its inputs by {-facts.fee} sat")
    return facts


def require_child(order: Order, child: TransactionFacts, parents: Collection[Txid]) -> None:
    """A child spends an output of a transaction of the order that is under way."""
    if not any(point.txid in parents for point in child.outpoints):
        raise _differs(order, "not_a_child", "it spends no output of a transaction under way")


def require_replacement(order: Order, new: TransactionFacts, before: TransactionFacts) -> None:
    """A replacement shares a coin with what it replaces and pays more (BIP-125, rules 1 and 3).

    Without a common coin both could confirm, and the payee would be paid twice.
    """
    if not new.outpoints & before.outpoints:
        raise _differs(order, "no_common_input", "it shares no coin with the one it replaces")
    if new.fee <= before.fee:
        raise _differs(
            order, "fee", f"its fee of {new.fee} sat does not exceed the former {before.fee} sat"
        )


def require_same(order: Order, approved: Transaction, found: Transaction) -> None:
    """Refuse a transaction that differs from the approved one in anything but signatures."""
    a, b = unsigned_form(approved), unsigned_form(found)
    if a == b:
        return
    if len(a.inputs) != len(b.inputs):
        raise _differs(
            order, "input", f"it has {len(b.inputs)} inputs, and {len(a.inputs)} were approved"
        )
    for number, (one, other) in enumerate(zip(a.inputs, b.inputs, strict=True)):
        if one.outpoint != other.outpoint:
            raise _differs(
                order,
                "input",
                f"input {number} spends {other.outpoint}, and {one.outpoint} was approved",
            )
        if one.sequence != other.sequence:
            raise _differs(order, "sequence", f"input {number} has another sequence number")
    if len(a.outputs) != len(b.outputs):
        raise _differs(
            order, "output", f"it has {len(b.outputs)} outputs, and {len(a.outputs)} were approved"
        )
    for vout, (paid, instead) in enumerate(zip(a.outputs, b.outputs, strict=True)):
        if paid.script != instead.script:
            was, now = (_shown(each.script, order.network) for each in (paid, instead))
            raise _differs(order, "output", f"output {vout} pays {now}, and {was} was approved")
        if paid.amount != instead.amount:
            raise _differs(
                order,
                "amount",
                f"output {vout} pays {instead.amount} sat, and {paid.amount} were approved",
            )
    raise _differs(order, "version or lock time", "its version or lock time is another")


def require_shown(order: Order, logged: TransactionFacts, shown: TransactionFacts) -> None:
    """The PSBT in the approver's hands is the one of the log, coin by coin (Rule O38).

    The log's line states what the inputs spend; the PSBT carries the transactions that show it. A
    false amount hides a fee, or makes change look like a payment.
    """
    require_same(order, logged.unsigned, shown.unsigned)
    for number, (said, proved) in enumerate(zip(logged.spent, shown.spent, strict=True)):
        if said != proved:
            raise _differs(
                order,
                "spent",
                f"the log says that input {number} spends {said.amount} sat, and by the "
                f"transaction that made it it spends {proved.amount}"
                + ("" if said.script == proved.script else " of another address"),
            )
    if logged.change != shown.change:
        raise _differs(order, "change", "the log calls other outputs change than are the wallet's")
    if logged.psbt_sha256 != shown.psbt_sha256:
        raise _differs(order, "psbt", "it is not the file that was attached, byte for byte")


def require_signed(order: Order, transaction: Transaction) -> None:
    """Every input carries something; whether it is valid is for the network to judge."""
    for number, each in enumerate(transaction.inputs):
        if not each.script_sig and not each.witness:
            raise _differs(order, "unsigned", f"input {number} carries no signature")


def require_whole(order: Order, transaction: Transaction, spent: Sequence[TxOut]) -> None:
    """Refuse signatures that leave inputs or outputs open: the network takes them (Rule O9).

    With one of them a stranger could pay somebody else after everybody approved.
    """
    if len(spent) != len(transaction.inputs):
        return  # it is another transaction, which `require_same` says
    for position in range(len(spent)):
        try:
            judge_input(transaction, position, spent)
        except Refusal as refusal:
            if refusal.reason is Reason.SIGHASH:
                raise _differs(order, "sighash", f"input {position}: {refusal.words}") from refusal


def _read(order: Order, psbt: bytes) -> tuple[Transaction, tuple[PsbtInput, ...]]:
    read: Psbt = read_psbt(psbt)
    points = [each.outpoint for each in read.unsigned.inputs]
    if not points:
        raise _differs(order, "input", "it spends nothing")
    if len(set(points)) != len(points):
        raise _differs(order, "input", "it spends one coin twice")
    _, maps = maps_of(psbt)
    for number, pairs in enumerate(maps):
        asked = int.from_bytes(pairs.get(_IN_SIGHASH, b"\x01"), "little")
        # Anything but ALL lets somebody change what was approved after it was signed.
        if asked not in (_SIGHASH_ALL, _SIGHASH_DEFAULT):
            raise _differs(order, "sighash", f"input {number} asks for signature type {asked:#x}")
    return read.unsigned, read.inputs


def _spent(
    order: Order,
    number: int,
    point: OutPoint,
    given: PsbtInput,
    coins: Mapping[OutPoint, TxOut],
) -> TxOut:
    """The output an input spends, by the chain or by the transaction that made it.

    The amount alone, as a PSBT may state it, is somebody's word: a false one hides a fee. Only a
    taproot signature covers the amounts of all inputs (BIP-341).
    """
    known = coins.get(point)
    if given.previous is not None:
        if given.previous.txid != point.txid or point.vout >= len(given.previous.outputs):
            raise _differs(order, "input", f"input {number} brings another transaction's outputs")
        from_previous = given.previous.outputs[point.vout]
        if given.spent is not None and given.spent != from_previous:
            raise _differs(order, "input", f"input {number} states its coin in two ways")
        known = known or from_previous
        if known != from_previous:
            raise _differs(order, "input", f"input {number} contradicts the chain source")
        return known
    stated = given.spent
    if known is not None:
        if stated is not None and stated != known:
            raise _differs(order, "input", f"input {number} contradicts the chain source")
        return known
    if stated is not None and classify(stated.script).kind is ScriptKind.P2TR:
        return stated
    raise _differs(
        order,
        "unproven_amount",
        f"nothing shows what input {number} spends: add the previous transaction to the PSBT",
    )


def _shown(script: bytes, network: Network) -> str:
    return address_of(script, network) or f"the script {script.hex()}"


def _differs(order: Order, name: str, difference: str) -> TransactionDiffers:
    return TransactionDiffers(order=order.id, name=name, difference=difference)
