"""An office and its chain in memory, and the tools of an office that lies with its valid keys.

An attack takes a few lines: change the parts of an honest statement, let `resigned` canonicalise,
root and sign them again, and see which check notices.
"""

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.ledger.accounts import (
    CustodialAccount,
    Entity,
    Lane,
    LaneSpan,
    Membership,
    Perimeter,
    Wallet,
)
from khazana.ledger.documents import Document, Reason
from khazana.ledger.office import (
    Attestation,
    CloseRule,
    CostMethod,
    ImpairmentRule,
    Office,
    OfficeRules,
    RawSource,
    UnpaidCost,
)
from khazana.reserve.gather import gather_period
from khazana.reserve.make import Made, make
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report
from khazana.statement.envelope import (
    NetworkName,
    Statement,
    make_statement,
    with_evidence,
    write_statement,
)
from khazana.statement.evidence import identity_evidence
from khazana.statement.identity import Office as Identity
from khazana.statement.identity import OfficeVersion, Role, new_office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import Pin
from khazana.statement.signatures import joined_evidence, sign_statement
from khazana.units import SATS_PER_BTC, Height, Sats, Txid

SEED = b"simulator's salt seed, not secret"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BTC = SATS_PER_BTC


def script(name: str, index: int = 0) -> bytes:
    """A P2WPKH script whose key nobody has."""
    return b"\x00\x14" + hashlib.sha256(f"{name}/{index}".encode()).digest()[:20]


OUTSIDER = script("somebody else")


def keys(name: str, count: int = 3) -> list[Ed25519PrivateKey]:
    """Statement keys that are the same in every run."""
    return [
        Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"{name} key {n}".encode()).digest())
        for n in range(count)
    ]


def identity(
    name: str,
    signers: Sequence[Ed25519PrivateKey],
    *,
    since: datetime = NOW - timedelta(days=900),
    until: datetime = NOW + timedelta(days=900),
) -> Identity:
    """An office's identity with two of three keys for statements."""
    public = {key_id(public_bytes(k)): public_bytes(k) for k in signers}
    role = Role(frozenset(public), 2)
    return new_office(
        OfficeVersion(
            id=name,
            names={"en": name},
            network=NetworkName(REGTEST.name, REGTEST.genesis),
            test=True,
            version=1,
            previous=None,
            valid_from=since,
            valid_until=until,
            keys=public,
            roles={"root": role, "statement": role},
        ),
        signers[:2],
    )


@dataclass
class World:
    """A chain, the coins everybody holds on it, and an office that keeps books about some."""

    name: str = "office"
    chain: SimulatedChain = field(default_factory=SimulatedChain)
    coins: dict[bytes, list[tuple[OutPoint, int]]] = field(default_factory=dict)
    waiting: list[Transaction] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    wallets: list[Wallet] = field(default_factory=list)
    accounts: list[CustodialAccount] = field(default_factory=list)
    attestations: list[Attestation] = field(default_factory=list)
    perimeters: list[Perimeter] = field(default_factory=list)
    serial: int = 0

    def wallet(
        self,
        name: str,
        *,
        entity: str,
        scripts: int = 2,
        lane: Lane = Lane.OWNED,
        declared: BlockRef | None = None,
    ) -> None:
        """Declare a wallet, at genesis unless said otherwise."""
        self.wallets.append(
            Wallet(
                id=name,
                entity=entity,
                name={"en": name},
                scripts=tuple(script(name, n) for n in range(scripts)),
                lanes=(LaneSpan(lane, None),),
                declared=declared or self.chain.block_at(Height(0)),
            )
        )

    def perimeter(self, name: str, *members: str | Membership) -> None:
        self.perimeters.append(
            Perimeter(
                name,
                {"en": name},
                tuple(Membership(m) if isinstance(m, str) else m for m in members),
            )
        )

    def fund(self, target: bytes, amount: int) -> Txid:
        """Somebody else pays: from a coin out of nowhere, which this chain does not mind."""
        self.serial += 1
        source = OutPoint(Txid(hashlib.sha256(b"outsider %d" % self.serial).hexdigest()), 0)
        return self.send([source], [(target, amount)])

    def spend(self, source: bytes, outputs: Iterable[tuple[bytes, int]], *, fee: int = 500) -> Txid:
        """Spend coins of a script: as many as needed, change back to it."""
        wanted = list(outputs)
        need = sum(amount for _, amount in wanted) + fee
        chosen: list[tuple[OutPoint, int]] = []
        while sum(amount for _, amount in chosen) < need:
            chosen.append(self.coins[source].pop(0))
        change = sum(amount for _, amount in chosen) - need
        if change:
            wanted.append((source, change))
        return self.send([outpoint for outpoint, _ in chosen], wanted)

    def send(self, inputs: Sequence[OutPoint], outputs: Iterable[tuple[bytes, int]]) -> Txid:
        transaction = Transaction(
            version=2,
            inputs=tuple(TxIn(outpoint, b"", 0xFFFFFFFD, (b"witness",)) for outpoint in inputs),
            outputs=tuple(TxOut(Sats(amount), target) for target, amount in outputs),
            lock_time=0,
        )
        for vout, output in enumerate(transaction.outputs):
            self.coins.setdefault(output.script, []).append(
                (transaction.outpoint(vout), output.amount)
            )
        self.waiting.append(transaction)
        return transaction.txid

    def mine(self, count: int = 1, *, coinbase: Sequence[tuple[bytes, int]] = ()) -> BlockRef:
        """Put what waits into a block, then mine empty ones up to `count`."""
        block = self.chain.add_block(
            self.waiting, coinbase=[TxOut(Sats(amount), target) for target, amount in coinbase]
        )
        self.waiting = []
        return self.chain.add_blocks(count - 1) if count > 1 else block

    def document(self, name: str, reason: Reason, account: str, amount: int, txid: Txid) -> None:
        """A paper with a published hash, by a named party: grade C."""
        self.documents.append(
            Document(
                id=name,
                reason=reason,
                at=datetime.fromtimestamp(self.chain.blocks[-1].header.time, tz=UTC),
                account=account,
                amount=Sats(amount),
                txid=txid,
                file_sha256=hashlib.sha256(name.encode()).hexdigest(),
                attested_by="Exchange A",
            )
        )

    def office(self) -> Office:
        entities = sorted({w.entity for w in self.wallets} | {a.entity for a in self.accounts})
        return Office(
            id=self.name,
            name={"en": self.name},
            network=REGTEST,
            test=True,
            notice=None,
            rules=OfficeRules(
                timezone="Asia/Karachi",
                close=CloseRule.MEDIAN_TIME_PAST,
                min_depth=6,
                dust_threshold=Sats(1000),
                match_window_days=3,
                currency="USD",
                cost_method=CostMethod.WEIGHTED_AVERAGE,
                unpaid_cost=UnpaidCost.FAIR_VALUE,
                impairment=ImpairmentRule.NEVER_REVERSED,
            ),
            entities=tuple(Entity(e, {"en": e}, "budgetary central government") for e in entities),
            wallets=tuple(self.wallets),
            sources={w.id: RawSource(w.scripts) for w in self.wallets},
            sealed=(),
            accounts=tuple(self.accounts),
            attestations=tuple(self.attestations),
            perimeters=tuple(self.perimeters),
            exclusions=(),
            documents=tuple(self.documents),
            book_entries=(),
            keys=(),
            roles=(),
        )

    def made(
        self,
        after: BlockRef,
        until: BlockRef,
        *,
        previous: str | None = None,
        chain: ChainView | None = None,
    ) -> Made:
        """The honest statement of the period, not yet signed."""
        office = self.office()
        scripts = {s for w in office.wallets for s in w.scripts}
        return make(
            office,
            gather_period(chain or self.chain, scripts, after=after, until=until),
            salt_seed=SEED,
            fingerprint=self.identity.fingerprint,
            previous=previous,
        )

    @property
    def keys(self) -> list[Ed25519PrivateKey]:
        return keys(self.name)

    @property
    def identity(self) -> Identity:
        return identity(self.name, self.keys)

    def signed(self, statement: Statement) -> bytes:
        """The file, signed by two of the office's keys and carrying its identity."""
        for key in self.keys[:2]:
            statement = joined_evidence(
                statement, sign_statement(statement, self.identity, key, at=NOW)
            )
        return write_statement(
            with_evidence(statement, identity_evidence(statement, self.identity))
        )

    def check(
        self,
        raw: bytes,
        *,
        profile: Profile = Profile.FULL,
        previous: bytes | None = None,
        chain: ChainView | None = None,
        pin: Pin | None = None,
        **more: Any,
    ) -> Report:
        """What a stranger finds who knows the office's fingerprint and asks the chain."""
        return verify(
            Request(
                raw=raw,
                chain=chain or self.chain,
                engine=best_engine(),
                profile=profile,
                now=NOW + timedelta(days=1),
                pin=pin or Pin(self.identity.fingerprint),
                previous=None if previous is None else read_reserve_statement(previous),
                **more,
            )
        )


Parts = dict[str, dict[str, Any]]


def parts_of(statement: Statement) -> Parts:
    """The bodies of a full statement by name, free to be changed."""
    return {part.name: copy.deepcopy(dict(part.body)) for part in statement.parts}


def rerooted(statement: Statement, change: Callable[[Parts], None]) -> Statement:
    """A statement with changed parts, counted and rooted again as if nothing had happened."""
    parts = parts_of(statement)
    change(parts)
    header = parts.pop("header")
    counts: dict[str, int] = {}
    for name in parts:
        counts[name.partition("/")[0]] = counts.get(name.partition("/")[0], 0) + 1
    header["parts"] = dict(sorted(counts.items()))
    return make_statement(
        network=NetworkName(**header["network"]),
        test=header["test"],
        header=header,
        parts=list(parts.items()),
        salt_seed=SEED,
    )


def failed(report: Report) -> tuple[str, ...]:
    """The names of the checks that failed, for a test to compare with the one it expects."""
    return report.failed


def verdicts(report: Report) -> Mapping[str, str]:
    return {line.result.name: line.result.verdict.value for line in report.lines}
