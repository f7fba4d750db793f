"""Invented customers and their balances: the same in every run, more of them in each epoch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from khazana.supervision.coverage.summary import units
from khazana.supervision.solvency.encoding import contribution_of
from khazana.supervision.solvency.plan import BITCOIN, Asset
from khazana.units import SATS_PER_BTC, Sats

FIRST, JOINING = 1_500, 250
"""Customers in the first epoch, and how many more join with each."""
_MEAN = SATS_PER_BTC * 14 // 1_000
"""Satoshis that a customer holds on average."""
OWN_WORDS = "two goats at the green gate"
"""What the first customer of each provider chose; the others' ids take the place of words."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A row of an extract. words: the customer's own, None where there are none."""

    customer: str
    amount: Sats
    words: str | None


def balances(provider: str, epoch: int) -> list[Balance]:
    """What a provider owes at an epoch, counted from 1.

    Amounts are skewed as people's are: the cube of an even number, so that a tenth of the customers
    holds a third of all. With each epoch a balance changes by up to an eighth.
    """
    return [
        Balance(
            f"{provider.upper()}-{number:06}",
            Sats(_amount(provider, number, epoch)),
            OWN_WORDS if number == 1 else None,
        )
        for number in range(1, FIRST + JOINING * (epoch - 1) + 1)
    ]


def _amount(provider: str, number: int, epoch: int) -> int:
    even = _drawn(f"{provider} {number}")
    amount = 4 * _MEAN * even**3 >> 96
    for later in range(2, epoch + 1):
        up = _drawn(f"{provider} {number} {later}")
        amount += amount * (up - (1 << 31)) >> 34
    return amount


def _drawn(what: str) -> int:
    """A number of 32 bits that looks random and is the same in every run."""
    digest = hashlib.sha256(f"khazana demo customer {what}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def extract_csv(held: Sequence[Balance], money: Asset) -> bytes:
    """The provider's extract, as docs/spec/solvency.md describes it: bitcoin, and money at a bank
    of every tenth customer.
    """
    rich = [replace(row, amount=Sats(row.amount % 9_999_999)) for row in held[::10]]
    return (_section(held, BITCOIN) + _section(rich, money)).encode()


def _section(held: Sequence[Balance], asset: Asset) -> str:
    lines = [f"#khazana.extract/1,{asset.name},{asset.scale},liabilities"]
    lines.append("customer,balance,contribution")
    for row in held:
        words = "" if row.words is None else contribution_of(row.words).hex()
        lines.append(f"{row.customer},{units(row.amount, asset.scale)},{words}")
    total = sum(row.amount for row in held)
    lines.append(f"#total,{units(total, asset.scale)},{len(held)}")
    return "\n".join(lines) + "\n"
