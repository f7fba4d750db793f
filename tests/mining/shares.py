"""Share receipts for tests: 128 real headers, easy targets, a reserve's script."""

import json
from itertools import islice

from khazana.bitcoin.block import Header
from khazana.bitcoin.network import MAINNET
from khazana.mining.receipts.make import Template, paying, work_shares
from khazana.mining.receipts.receipt import Receipt
from khazana.mining.receipts.terms import ReceiptTerms, Slot, slots_of
from khazana.units import Height, Sats
from tests.shared import shared_file

RESERVE = bytes.fromhex("0014") + bytes(range(20))
THIEF = bytes.fromhex("0014") + bytes(range(20, 40))
TARGET = (1 << 250) - 1
"""Sixty-four tries for a share."""
FIRST = Height(665_280)
BRANCH = tuple(bytes([n]) * 32 for n in range(1, 13))
REWARD = Sats(640_000_000)


def headers() -> list[Header]:
    said = json.loads(shared_file("data/btc_mainnet_headers_665280_665407.json").read_bytes())
    return [Header.parse(bytes.fromhex(row["headerHex"])) for row in said["headers"]]


def slots() -> dict[bytes, Slot]:
    return slots_of(headers(), first=FIRST, network=MAINNET)


def terms(site: str = "site-1", *, target: int = TARGET) -> ReceiptTerms:
    return ReceiptTerms(site=site, scripts=frozenset({RESERVE}), slots=slots(), target=target)


def template(site: str = "site-1", *, position: int = 20, **fields) -> Template:
    """Work on the block after the header at `position`."""
    below = headers()[position].hash_le
    slot = slots()[below]
    values = {
        "site": site,
        "below": below,
        "slot": slot,
        "outputs": paying(REWARD, RESERVE),
        "branch": BRANCH,
        "time": slot.after + 600,
    }
    return Template(**values | fields)


def shares(count: int, made: Template | None = None, *, first: int = 0) -> list[Receipt]:
    return list(islice(work_shares(made or template(), target=TARGET, first=first), count))
