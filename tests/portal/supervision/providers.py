"""A provider's published files for the portal's tests: two epochs, and slips of its customers."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.bitcoin.network import REGTEST
from khazana.statement.dsse import sign
from khazana.statement.envelope import NetworkName
from khazana.statement.identity import OfficeVersion, Role, new_office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import write_office
from khazana.supervision.solvency.epoch import PAYLOAD_TYPE, Block, Epoch, epoch_bytes
from khazana.supervision.solvency.slip import Slip
from khazana.supervision.solvency.tree import Customer, Tree, build
from tests.supervision.solvency.trees import (
    customers,
    level_bytes,
    plan_for,
    slip_for,
    statement,
)

SLUG = "chinar-exchange"
NAMES = {"en": "Chinar Exchange", "ur": "چنار ایکسچینج", "ar": "منصة تشينار", "es": "Chinar"}
KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a provider's test key").digest())
HELD = {7: customers(123_456_789, 5, 10**9), 8: customers(123_456_789, 7, 10**9, 44)}


@dataclass(frozen=True)
class Published:
    """An epoch as published, with what makes slips of it."""

    epoch: Epoch
    tree: Tree
    held: list[Customer]

    def slip(self, index: int) -> Slip:
        return slip_for(self.tree, self.held, index)


def identity() -> bytes:
    public = public_bytes(KEY)
    role = Role(frozenset([key_id(public)]), 1)
    version = OfficeVersion(
        id=SLUG,
        names=NAMES,
        network=NetworkName(REGTEST.name, REGTEST.genesis),
        test=True,
        version=1,
        previous=None,
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=datetime(2030, 1, 1, tzinfo=UTC),
        keys={key_id(public): public},
        roles={"root": role, "statement": role},
    )
    return write_office(new_office(version, [KEY]))


def write_providers(folder: Path, *, key: Ed25519PrivateKey = KEY) -> dict[int, Published]:
    """providers/chinar-exchange/ with two epochs; gives what each is made of."""
    home = folder / "providers" / SLUG
    home.mkdir(parents=True, exist_ok=True)
    (home / "office.json").write_bytes(identity())
    published: dict[int, Published] = {}
    before = None
    for number, held in HELD.items():
        tree = build(held, plan_for(epoch=number))
        block = Block(hash=f"{number:064x}", height=1_000 + number)
        made = statement(tree, previous=before, block=block)
        place = home / f"{number:04}"
        place.mkdir(exist_ok=True)
        envelope = sign(PAYLOAD_TYPE, epoch_bytes(made), key)
        (place / "epoch.json").write_text(json.dumps(envelope.to_json()))
        (place / "liabilities-BTC.level.bin").write_bytes(level_bytes(tree))
        published[number] = Published(made, tree, held)
        before = made
    return published
