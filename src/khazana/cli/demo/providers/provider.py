"""A provider of the demo: its keys, its coins and its books. All three providers are invented."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.demo.books import Books, DeclaredWallet, EntityPlan, Member, PerimeterPlan
from khazana.cli.demo.names import names
from khazana.cli.demo.officers import Officers, found_office
from khazana.cli.demo.people import EXCHANGE_NAME, People
from khazana.cli.demo.providers.customers import balances
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.signers import CHANGE, RECEIVE, TwoOfThree
from khazana.cli.demo.stage import Stage, address
from khazana.ledger.accounts import Names
from khazana.statement.identity import Office
from khazana.supervision.solvency.plan import MOST_AMOUNT, Asset
from khazana.units import Sats

EPOCHS = 3
WALLET = "customers-cold"
ROLES = {"root": (1, ("root-1",)), "statement": (1, ("statement-1",))}
PKR = Asset(name="PKR", scale=2, most=MOST_AMOUNT)
USD = Asset(name="USD", scale=2, most=MOST_AMOUNT)
RESERVE_PERCENT = 103
"""Coins that an honest provider keeps for what it owes."""

_COLD = names(
    "Customers' coins, cold storage",
    "صارفین کے کوائن، کولڈ اسٹوریج",
    "عملات العملاء، تخزين غير متصل",
    "Monedas de los clientes, en frío",
)
_ALL = names(
    "All that is held for customers",
    "صارفین کے لیے رکھا گیا سب کچھ",
    "كل ما يُحتفظ به للعملاء",
    "Todo lo que se guarda para los clientes",
)


@dataclass(frozen=True, kw_only=True)
class Licensed:
    """Who a provider is. state: the office's folder under whose regulator it stands.

    money: what customers have at a bank through it. kept_percent: coins it really keeps, of what
    it owes, in each epoch.
    """

    slug: str
    name: Names
    licence: str
    state: str
    timezone: str
    money: Asset
    kept_percent: tuple[int, ...] = (RESERVE_PERCENT,) * EPOCHS


class ProviderOfficers(Officers):
    """A provider's keys: one officer founds, one signs."""

    def signers(self, role: str) -> list[Ed25519PrivateKey]:
        threshold, officers = ROLES[role]
        return [self.private[name] for name in officers[:threshold]]


def officers_of_provider(slug: str) -> ProviderOfficers:
    """The same keys in every run."""
    return ProviderOfficers(
        slug,
        {
            name: Ed25519PrivateKey.from_private_bytes(
                hashlib.sha256(f"khazana demo provider key {slug} {name}".encode()).digest()
            )
            for _, group in ROLES.values()
            for name in group
        },
    )


class Provider:
    """A provider on the stage: it takes deposits, and keeps what it should or less."""

    def __init__(self, licensed: Licensed, stage: Stage, people: People) -> None:
        self.licensed, self.stage, self.people = licensed, stage, people
        self.purse: Purse = stage.purse(licensed.slug, TwoOfThree(licensed.slug))
        self.officers = officers_of_provider(licensed.slug)
        self.books = Books(
            id=licensed.slug,
            name=licensed.name,
            timezone=licensed.timezone,
            currency="USD",
            keys=self.officers.public,
            roles=ROLES,
            entities=[EntityPlan("provider", licensed.name, "private, fictional")],
            perimeters=[PerimeterPlan("all", _ALL, [Member("entity", "provider")])],
        )

    @property
    def master(self) -> bytes:
        """The secret from which each tree's key is derived; in earnest it is random."""
        return hashlib.sha256(f"khazana demo master {self.licensed.slug}".encode()).digest()

    def open(self, day: int) -> None:
        """Declare the wallet before the first coin arrives."""
        for branch in (RECEIVE, CHANGE):
            self.purse.new_script(branch)
        self.books.declare(
            DeclaredWallet(
                WALLET,
                "provider",
                _COLD,
                self.purse,
                "descriptor",
                day,
                "Two of three devices; belongs to customers.",
                "cold",
                lane="held_for_clients",
            )
        )

    def take_deposits(self, day: int, *, epoch: int) -> None:
        """Customers bring what an epoch's balances need beyond what is held."""
        owed = sum(row.amount for row in balances(self.licensed.slug, epoch))
        amount = owed * self.licensed.kept_percent[epoch - 1] // 100 - self.purse.balance()
        txid = self.stage.pay(self.people.exchange, (self.purse.new_script(), amount))
        self.books.document(
            f"deposits-{day:04d}",
            "client_deposit",
            at=self.stage.timeline.instant(day),
            account=WALLET,
            amount=Sats(amount),
            attested_by=EXCHANGE_NAME,
            txid=txid,
            address=address(self.purse.script),
            note="sum of customers' orders; their names stay with the provider",
        )

    def found(self, folder: Path, *, at: datetime) -> Office:
        """Its identity, as office.json."""
        return found_office(self.officers, folder, self.books.write(folder, closed=at), at=at)
