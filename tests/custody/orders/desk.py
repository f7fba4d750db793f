"""A spending desk for tests: people with keys, rules, orders, PSBTs, and a log that grows."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.bitcoin.address import address_of
from khazana.bitcoin.bip322.psbt import GLOBAL_UNSIGNED_TX, IN_NON_WITNESS_UTXO
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.orders import events as ev
from khazana.custody.orders.checks import CheckOutcome, Situation, check, checked_event
from khazana.custody.orders.log import OrderLog, appended, new_log
from khazana.custody.orders.machine import publication_day
from khazana.custody.orders.order import Money, Order, Purchase, Quote, payment
from khazana.custody.orders.rules import SpendingRules
from khazana.custody.orders.rules_file import read_spending
from khazana.custody.orders.signing import Parties, approve, override, sign_order
from khazana.custody.orders.state import OrderState
from khazana.custody.orders.transaction import TransactionFacts, facts_of
from khazana.custody.psbt_files import written_psbt
from khazana.ledger.documents import Reason
from khazana.statement.dsse import Envelope, joined
from khazana.statement.envelope import NetworkName
from khazana.statement.identity import Office, OfficeVersion, Role, new_office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.times import write_instant
from khazana.units import SATS_PER_BTC, Sats, Txid
from tests.reserve.simulator import script

BTC = SATS_PER_BTC
MONDAY = datetime(2026, 5, 18, 9, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Karachi")
HOUR = timedelta(hours=1)
PEOPLE = ("dana", "amir", "bibi", "chen", "mina", "musa")
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"desk {name}".encode()).digest())
    for name in (*PEOPLE, "dana-2", "amir-2", "stranger")
}
IDS = {name: key_id(public_bytes(key)) for name, key in KEYS.items()}
WALLETS = {script(wallet, n): wallet for wallet in ("hot", "cold", "fund") for n in range(6)}


def address(name: str, index: int = 0) -> str:
    found = address_of(script(name, index), REGTEST)
    assert found is not None
    return found


def version(**changes: Any) -> OfficeVersion:
    def role(count: int, *names: str) -> Role:
        return Role(frozenset(IDS[name] for name in names), count)

    listed = [name for name in KEYS if name != "stranger"]
    return OfficeVersion(
        **{
            "id": "desk",
            "names": {"en": "Desk"},
            "network": NetworkName(REGTEST.name, REGTEST.genesis),
            "test": True,
            "version": 1,
            "previous": None,
            "valid_from": MONDAY - timedelta(days=100),
            "valid_until": MONDAY + timedelta(days=1000),
            "keys": {IDS[name]: public_bytes(KEYS[name]) for name in listed},
            "roles": {
                "root": role(1, "mina"),
                "statement": role(1, "mina"),
                "drafter": role(1, "dana", "amir"),
                "approver": role(2, "dana-2", "amir", "amir-2", "bibi", "chen"),
                "minister": role(2, "mina", "musa", "dana-2"),
            },
        }
        | changes
    )


OFFICE = new_office(version(), [KEYS["mina"]])

RULES = """\
format = "khazana.spending/1"
check_valid_hours = 48
expires_within_days = 14
conditions = "none"
most_fee_sat = 20_000
per_address_btc = "500"
confirmations = 1
allow_list = true

[drafting]
role = "drafter"

[[approval]]
role = "approver"
approvals = 2
from_btc = "0"

[override]
role = "minister"
publish_after_days = 30

[purchase]
least_quotes = 2
quote_hours = 24

[[limit]]
id = "one-payment"
on = "payment"
per = "order"
most_btc = "100"

[[limit]]
id = "a-day"
on = "payment"
per = "day"
most_btc = "150"

[[limit]]
id = "a-month"
on = "payment"
per = "month"
wallet = "hot"
most_btc = "400"

[[payee]]
id = "school"
name = "School Board"
addresses = [PAYEES]
"""
HOLDERS = {
    "dana": ("dana", "dana-2"),
    "amir": ("amir", "amir-2"),
    "bibi": ("bibi",),
    "chen": ("chen",),
    "mina": ("mina",),
    "musa": ("musa",),
}


def rules_text(*changes: tuple[str, str]) -> str:
    text = RULES.replace("PAYEES", ", ".join(f'"{address("payee", n)}"' for n in range(6)))
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    for person, names in HOLDERS.items():
        listed = ", ".join(f'"{IDS[name]}"' for name in names)
        text += f'\n[[holder]]\nid = "{person}"\nkeys = [{listed}]\n'
    return text


@cache
def rules(*changes: tuple[str, str]) -> SpendingRules:
    return read_spending("spending.toml", rules_text(*changes).encode(), network=REGTEST)


def order(*amounts: int, id_: str = "2026-014", drafter: str = "dana", **changes: Any) -> Order:
    """A disbursement from the hot wallet to the school, 10 BTC unless said otherwise."""
    given: dict[str, Any] = {
        "id": id_,
        "office": OFFICE.fingerprint,
        "network": REGTEST,
        "drafted_at": MONDAY,
        "drafter": IDS[drafter],
        "expires_at": MONDAY + timedelta(days=7),
        "account": "hot",
        "reason": Reason.DISBURSEMENT,
        "purpose": "School roofs",
        "payments": tuple(
            payment(address("payee", n), sats, REGTEST, label=f"roof {n}")
            for n, sats in enumerate(amounts or (10 * BTC,))
        ),
    }
    return Order(**(given | changes))


def purchase(sats: int = 5 * BTC, *, id_: str = "buy-1", **changes: Any) -> Order:
    """A purchase for the fund with two quotes, the cheaper one chosen."""

    def quote(dealer: str, minor: int) -> Quote:
        return Quote(
            id=dealer,
            dealer=dealer.title(),
            at=MONDAY - HOUR,
            valid_until=MONDAY + 10 * HOUR,
            price=Money("USD", minor),
            fees_minor=500,
            file_sha256=hashlib.sha256(dealer.encode()).hexdigest(),
        )

    bought: dict[str, Any] = {
        "address": address("fund", 0),
        "script": script("fund", 0),
        "sats": Sats(sats),
        "quotes": (quote("alfa", 50_000_000), quote("beta", 50_500_000)),
        "chosen": "alfa",
        "why": None,
        "deliver_by": (MONDAY + timedelta(days=2)).date(),
    }
    heading = {key: changes.pop(key) for key in list(changes) if key not in bought}
    given: dict[str, Any] = {
        "payments": (),
        "purchase": Purchase(**(bought | changes)),
        "reason": Reason.ACQUISITION,
        "account": "fund",
        "paid_from": "budget",
    }
    return order(id_=id_, **(given | heading))


def funding(name: str, *amounts: int, index: int = 0) -> Transaction:
    """A transaction that gave the wallet's scripts these amounts."""
    outputs = tuple(TxOut(Sats(a), script(name, index + n)) for n, a in enumerate(amounts))
    seed = hashlib.sha256(f"{name} {index} {amounts}".encode()).hexdigest()
    return Transaction(2, (TxIn(OutPoint(Txid(seed), 0), b"\x00", 0),), outputs, 0)


def psbt_of(unsigned: Transaction, *previous: Transaction, **fields: bytes) -> bytes:
    by_txid = {each.txid: each for each in previous}
    maps: list[dict[bytes, bytes]] = [
        {bytes([GLOBAL_UNSIGNED_TX]): unsigned.serialize(witness=False)}
    ]
    for each in unsigned.inputs:
        pairs = {}
        if each.outpoint.txid in by_txid:
            pairs[bytes([IN_NON_WITNESS_UTXO])] = by_txid[each.outpoint.txid].serialize()
        if "sighash" in fields:
            pairs[b"\x03"] = fields["sighash"]
        maps.append(pairs)
    return written_psbt([*maps, *({} for _ in unsigned.outputs)])


def spending(
    ordered: Order, *, fee: int = 1_000, coin: int = 200 * BTC, extra: Iterable[TxOut] = ()
) -> tuple[Transaction, Transaction]:
    """The unsigned transaction an order asks for, from one coin, and where the coin came from."""
    came = funding(ordered.account, coin)
    more = tuple(extra)
    paid = tuple(TxOut(each.sats, each.script) for each in ordered.payments) + more
    change = TxOut(Sats(coin - fee - sum(o.amount for o in paid)), script(ordered.account, 5))
    unsigned = Transaction(2, (TxIn(came.outpoint(0), b"", 0xFFFF_FFFD),), (*paid, change), 0)
    return unsigned, came


def wallet_scripts(wallet: str) -> frozenset[bytes]:
    return frozenset(s for s, name in WALLETS.items() if name == wallet)


def facts(ordered: Order, **how: Any) -> TransactionFacts:
    unsigned, came = spending(ordered, **how)
    return facts_of(
        ordered, psbt_of(unsigned, came), wallet_scripts=wallet_scripts(ordered.account)
    )


def signed(unsigned: Transaction) -> Transaction:
    """The transaction with something in each witness, as a device would return it."""
    inputs = tuple(TxIn(i.outpoint, b"", i.sequence, (b"\x30" * 71,)) for i in unsigned.inputs)
    return Transaction(unsigned.version, inputs, unsigned.outputs, unsigned.lock_time)


@dataclass
class Desk:
    """The log, the people and the clock; every step takes an hour unless said otherwise."""

    rules: SpendingRules = field(default_factory=rules)
    office: Office = OFFICE
    now: datetime = MONDAY
    situation: Mapping[str, Any] = field(default_factory=dict)
    log: OrderLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = new_log(self.office)

    @property
    def parties(self) -> Parties:
        return Parties(self.office, self.rules.holders)

    def add(self, event: ev.Event) -> OrderState:
        self.log = appended(self.log, event, self.parties)
        return self.log.order(event.order)

    def heading(self, id_: str, by: str) -> dict[str, str]:
        self.now += timedelta(minutes=1)
        return {"order": id_, "at": write_instant(self.now), "by": by}

    def draft(self, ordered: Order, *, drafter: str = "dana") -> OrderState:
        envelope = sign_order(ordered, KEYS[drafter])
        return self.add(
            ev.Drafted(**self.heading(ordered.id, drafter), envelope=ev.envelope_file(envelope))
        )

    def attach(
        self, id_: str, found: TransactionFacts | None = None, *, purpose: str = "original"
    ) -> OrderState:
        found = found or facts(self.log.order(id_).order)
        return self.add(
            ev.Attached(
                **self.heading(id_, "dana"),
                purpose=purpose,  # type: ignore[arg-type]
                unsigned=found.unsigned.serialize(witness=False).hex(),
                spent=[ev.SpentFile(o.amount, o.script.hex()) for o in found.spent],
                change=sorted(found.change),
                psbt_sha256=found.psbt_sha256,
            )
        )

    def outcome(self, id_: str, **more: Any) -> CheckOutcome:
        given = {
            "at": self.now,
            "zone": ZONE,
            "version": self.office.newest,
            "scripts": WALLETS,
            "others": self.log.others(id_),
        }
        situation = Situation(**(given | dict(self.situation) | more))
        return check(self.log.order(id_), self.rules, situation)

    def check(self, id_: str, **more: Any) -> OrderState:
        self.now += timedelta(minutes=1)
        state = self.log.order(id_)
        outcome = self.outcome(id_, **more)
        return self.add(checked_event(state, outcome, self.rules, at=self.now, by="desk"))

    def envelope(self, id_: str, signer: str) -> Envelope:
        state = self.log.order(id_)
        return approve(
            state.order,
            state.facts,
            KEYS[signer],
            self.parties,
            overridden=state.relied_on,
            at=self.now,
        )

    def approve(self, id_: str, signer: str, envelope: Envelope | None = None) -> OrderState:
        found = envelope or self.envelope(id_, signer)
        by = self.rules.holders.get(IDS[signer], signer)
        return self.add(ev.Approved(**self.heading(id_, by), envelope=ev.envelope_file(found)))

    def override(self, id_: str, *signers: str, reason: str = "the roof fell in") -> OrderState:
        state = self.log.order(id_)
        envelopes = [
            override(
                state.order,
                state.facts,
                KEYS[signer],
                self.parties,
                rules=state.failed,
                reason=reason,
                at=self.now,
            )
            for signer in signers
        ]
        heading = self.heading(id_, "ministers")
        return self.add(
            ev.Overridden(
                **heading,
                envelope=ev.envelope_file(joined(envelopes)),
                publish_on=publication_day(self.now, 30).isoformat(),
            )
        )

    def sign(self, id_: str, final: Transaction | None = None) -> OrderState:
        found = self.log.order(id_).facts
        assert found is not None
        raw = (final or signed(found.unsigned)).serialize().hex()
        return self.add(ev.Signed(**self.heading(id_, "dana"), raw=raw))

    def broadcast(self, id_: str) -> OrderState:
        attempt = self.log.order(id_).attempt
        assert attempt is not None
        assert attempt.final is not None
        return self.add(
            ev.Broadcast(**self.heading(id_, "dana"), txid=attempt.final.txid, where="own node")
        )

    def confirm(self, id_: str, final: Transaction, *, height: int = 500) -> OrderState:
        return self.add(
            ev.Confirmed(
                **self.heading(id_, "dana"),
                raw=final.serialize().hex(),
                height=height,
                block="ab" * 32,
            )
        )

    def approved(self, ordered: Order) -> OrderState:
        """The order, drafted, with its transaction, checked and approved by two."""
        self.draft(ordered)
        if ordered.purchase is None:
            self.attach(ordered.id)
        self.check(ordered.id)
        self.approve(ordered.id, "amir")
        return self.approve(ordered.id, "bibi")

    def sent(self, ordered: Order) -> OrderState:
        """The same, signed and broadcast."""
        self.approved(ordered)
        self.sign(ordered.id)
        return self.broadcast(ordered.id)
