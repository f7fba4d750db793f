"""Why an order cannot be drafted, bumped or finished: each situation by name, with its figures."""

from collections.abc import Iterable
from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.ledger.problems import Problems
from khazana.units import Sats


class Findings(tuple[Finding, ...]):
    """Findings that print as lines."""

    __slots__ = ()

    def __new__(cls, found: Iterable[Finding] = ()) -> "Findings":
        return super().__new__(cls, tuple(found))

    def __str__(self) -> str:
        return "\n".join(f"  {finding}" for finding in self)


@dataclass(eq=False, kw_only=True)
class DraftRefused(KhazanaError):
    """An order that no draft is made of. rule: of docs/methods/drafting.md."""

    rule: str
    problem: str
    code = "draft_refused"
    words = "No transaction was drafted ({rule}): {problem}."


@dataclass(eq=False, kw_only=True)
class PaymentsRefused(KhazanaError):
    """Payments that must not go out as they stand; the whole order is refused."""

    findings: Findings
    code = "payments_refused"
    words = "The order is refused whole and nothing was drafted:\n{findings}"


@dataclass(eq=False, kw_only=True)
class BatchRefused(KhazanaError):
    """A table of payments with problems; it is refused whole, with all of them."""

    file: str
    problems: Problems
    code = "batch_refused"
    words = "{file} is refused and no payment was taken from it:\n{problems}"


@dataclass(eq=False, kw_only=True)
class NotEnoughCoins(KhazanaError):
    """The wallet cannot pay now. largest: what one payment could be at most, fee deducted."""

    wallet: str
    wanted: Sats
    spendable: Sats
    fee: Sats
    largest: Sats
    left_out: str
    code = "not_enough_coins"
    words = (
        "Wallet {wallet} cannot pay {wanted} sat and a fee of about {fee} sat: it may spend "
        "{spendable} sat now, so {largest} sat is the most. Left out: {left_out}."
    )


@dataclass(eq=False, kw_only=True)
class PreviousTransactionMissing(KhazanaError):
    """Devices check amounts against the whole transaction that an input spends from."""

    outpoint: str
    code = "previous_transaction_missing"
    words = (
        "The transaction that made coin {outpoint} is not at hand. Signing devices need it to "
        "check the amount: fetch it from the chain and draft again."
    )


@dataclass(eq=False, kw_only=True)
class BumpRefused(KhazanaError):
    """A stuck transaction that cannot be replaced or lifted as asked."""

    txid: str
    rule: str
    problem: str
    code = "bump_refused"
    words = "Transaction {txid} cannot be sped up like this ({rule}): {problem}."


@dataclass(eq=False, kw_only=True)
class ReturnedPsbtRefused(KhazanaError):
    """A file that came back for signing is not the order that went out."""

    file: str
    findings: Findings
    code = "returned_psbt_refused"
    words = "{file} is not the order that was approved and no signature was taken:\n{findings}"


@dataclass(eq=False, kw_only=True)
class SignaturesMissing(KhazanaError):
    """Not enough cosigners signed. missing: who has not, as the descriptor names them."""

    signed: str
    missing: str
    needed: str
    problems: str
    code = "signatures_missing"
    words = (
        "The transaction is not complete: signed by {signed}; missing: {missing}; "
        "needed: {needed}.{problems}"
    )
