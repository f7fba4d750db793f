"""Payments of an order, checked before anything is drafted (rules D4 and D5)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from khazana.bitcoin.address import address_of, script_of
from khazana.bitcoin.network import Network
from khazana.bitcoin.script import ScriptKind, classify
from khazana.bitcoin.standardness import dust_limit
from khazana.custody.drafting.errors import Findings, PaymentsRefused
from khazana.custody.drafting.lookalikes import KnownAddresses, ends_of, lookalike
from khazana.ledger.findings import Finding
from khazana.units import MAX_MONEY, Sats

_ANYONES = (ScriptKind.WITNESS_UNKNOWN, ScriptKind.ANCHOR)


@dataclass(frozen=True, slots=True)
class Payment:
    """One output to a payee. label: for people. reference: the payee's or the order's number."""

    address: str
    script: bytes
    amount: Sats
    label: str = ""
    reference: str = ""


def payment(
    address: str, amount: Sats, network: Network, *, label: str = "", reference: str = ""
) -> Payment:
    """A payment to an address of this network. Raises BadAddress, SecretInsteadOfAddress."""
    return Payment(address, script_of(address, network), amount, label, reference)


def check_payments(payments: Sequence[Payment], *, network: Network, known: KnownAddresses) -> None:
    """Refuse the whole order when any payment is wrong. Raises PaymentsRefused."""
    found = Findings(payment_problems(payments, network=network, known=known))
    if found:
        raise PaymentsRefused(findings=found)


def payment_problems(
    payments: Sequence[Payment], *, network: Network, known: KnownAddresses
) -> Iterator[Finding]:
    """Everything wrong with the payments, in their order."""
    earlier = Earlier()
    for number, each in enumerate(payments, 1):
        where = f"payment {number}"
        if address_of(each.script, network) is None or script_of(each.address, network) != (
            each.script
        ):
            yield Finding("D4", f"{each.address} does not stand for its script", where)
        for rule, text in problems_of(each, known):
            yield Finding(rule, text, where)
        for rule, text in earlier.clashes(each, where):
            yield Finding(rule, text, where)
    total = sum(each.amount for each in payments)
    if total > MAX_MONEY:
        yield Finding("D4", f"{total} sat together are more than will ever exist", "the order")


def problems_of(each: Payment, known: KnownAddresses) -> Iterable[tuple[str, str]]:
    """What is wrong with one payment by itself: (rule, text)."""
    if classify(each.script).kind in _ANYONES:
        text = f"{each.address} is of a kind that anybody could spend today"
        yield "D4", text
    smallest = dust_limit(each.script)
    if each.amount < smallest:
        text = f"{each.amount} sat to {each.address} is dust: {smallest} sat is the least"
        yield "D4", text
    if each.amount > MAX_MONEY:
        yield "D4", f"{each.amount} sat are more than will ever exist"
    found = lookalike(each.address, known)
    if found is not None:
        yield "D5", str(found)


class Earlier:
    """The payments of one order so far; each is held to those before it."""

    def __init__(self) -> None:
        self._scripts: dict[bytes, str] = {}
        self._references: dict[str, str] = {}
        self._ends: dict[tuple[str, str, str], tuple[str, str]] = {}

    def clashes(self, each: Payment, name: str) -> Iterator[tuple[str, str]]:
        """What is wrong between a payment, called `name`, and those before it: (rule, text)."""
        ends = ends_of(each.address)
        if each.script in self._scripts:
            other = self._scripts[each.script]
            text = f"{each.address} is paid by {other} already; write one payment with the sum"
            yield "D4", text
        elif ends in self._ends:
            address, other = self._ends[ends]
            text = f"{each.address} looks like {address} of {other} but is another address"
            yield "D5", text
        if each.reference and each.reference in self._references:
            other = self._references[each.reference]
            yield "D4", f"reference {each.reference} stands in {other} already"
        self._scripts.setdefault(each.script, name)
        self._ends.setdefault(ends, (each.address, name))
        if each.reference:
            self._references.setdefault(each.reference, name)
