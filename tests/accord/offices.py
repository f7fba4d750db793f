"""Fictional offices with feed and witness keys, on one invented chain, for the accord's tests."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.bitcoin.network import REGTEST
from khazana.statement.envelope import NetworkName
from khazana.statement.identity import Office, OfficeVersion, Role, new_office, succeeded
from khazana.statement.keys import key_id, public_bytes
from tests.reserve.simulator import BTC, NOW, World, keys, script

SINCE = NOW - timedelta(days=900)
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
"""The commands read the real clock: an identity that ends would end the tests with it."""


def private_key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def id_of(private: Ed25519PrivateKey) -> str:
    return key_id(public_bytes(private))


def version_of(
    name: str,
    *,
    feed: list[Ed25519PrivateKey],
    witness: list[Ed25519PrivateKey],
    since: datetime = SINCE,
    before: OfficeVersion | None = None,
    revoked: frozenset[str] = frozenset(),
) -> OfficeVersion:
    """An identity in which two of three keys sign statements; one key feeds, one witnesses."""
    slow = Role(frozenset(map(id_of, keys(name))), 2)
    return OfficeVersion(
        id=name,
        names={"en": name},
        network=NetworkName(REGTEST.name, REGTEST.genesis),
        test=True,
        version=1 if before is None else before.version + 1,
        previous=None if before is None else before.digest,
        valid_from=since,
        valid_until=FOREVER,
        keys={id_of(key): public_bytes(key) for key in (*keys(name), *feed, *witness)},
        roles={
            "root": slow,
            "statement": slow,
            "feed": Role(frozenset(map(id_of, feed)), 1),
            "witness": Role(frozenset(map(id_of, witness)), 1),
        },
        revoked=revoked if before is None else before.revoked | revoked,
    )


def office(name: str) -> Office:
    feed, witness = private_key(f"{name} feed 1"), private_key(f"{name} witness 1")
    return new_office(version_of(name, feed=[feed], witness=[witness]), keys(name)[:2])


def rotated(
    known: Office, *, since: datetime, feed: int = 2, witness: int = 1, revoke: tuple[str, ...] = ()
) -> Office:
    """The office with the next version: feed and witness keys of these numbers."""
    name = known.id
    version = version_of(
        name,
        feed=[private_key(f"{name} feed {feed}")],
        witness=[private_key(f"{name} witness {witness}")],
        since=since,
        before=known.newest,
        revoked=frozenset(id_of(private_key(f"{name} {each}")) for each in revoke),
    )
    return succeeded(known, version, keys(name)[:2])


@dataclass
class AccordWorld(World):
    """An office that can publish a feed and witness another's."""

    @property
    def identity(self) -> Office:
        return office(self.name)

    @property
    def feed_key(self) -> Ed25519PrivateKey:
        return private_key(f"{self.name} feed 1")

    @property
    def witness_key(self) -> Ed25519PrivateKey:
        return private_key(f"{self.name} witness 1")


def statement_of(name: str = "drill-office", *, wallet: str = "fund", amount: int = 5 * BTC):
    """An office with one wallet and an honest statement, signed: the world and the file."""
    world = AccordWorld(name)
    world.wallet(wallet, entity="treasury")
    world.perimeter("all", wallet)
    start = world.mine(2)
    world.fund(script(wallet), amount)
    end = world.mine(3)
    world.mine(8)
    return world, world.signed(world.made(start, end).statement)
