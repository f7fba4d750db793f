"""Auditing a million readings and a million share receipts, beside the hashing alone."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.measure import Case, measurement
from khazana.bitcoin.block import Header
from khazana.mining.evidence.audit import audit_readings
from khazana.mining.evidence.meters import Meters, read_meters
from khazana.mining.evidence.readings import (
    Values,
    by_day,
    read_readings,
    write_readings,
)
from khazana.mining.evidence.seals import read_seals, seal_day, write_seals
from khazana.mining.receipts.aggregate import proven_work
from khazana.mining.receipts.make import Template, paying, work_shares
from khazana.mining.receipts.receipt import read_receipts, write_receipts
from khazana.mining.receipts.terms import ReceiptTerms, Slot
from khazana.mining.receipts.verify import audit_receipts
from khazana.statement.keys import public_bytes
from khazana.units import BlockHash, Height, Sats

COUNT = 1_000_000
STEP_S = 1800
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
GATEWAY = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
METERS = 12
EASY = (1 << 256) - 1
"""Every hash is a share: judging one costs the same, and making a million does not take hours."""
RESERVE = bytes.fromhex("0014") + bytes(20)
BRANCH = tuple(bytes([n]) * 32 for n in range(1, 13))


def _meters() -> Meters:
    text = (
        'format = "khazana.meters/1"\n[[key]]\nid = "g"\nholder = "Utility"\n'
        f'public = "{public_bytes(GATEWAY).hex()}"\nsince = 2020-01-01T00:00:00Z\n'
    )
    for number in range(METERS):
        text += (
            f'[[meter]]\nid = "m{number}"\nsite = "site-{number}"\nrole = "main"\n'
            f'class = "0.2S"\ninterval_s = {STEP_S}\nmost_kw = 12000\nkeys = ["g"]\n'
        )
    return read_meters("meters.toml", text.encode())


@cache
def _metered() -> tuple[bytes, bytes]:
    """A file of a million readings of twelve meters, and the seals over every day of them."""
    rows = (
        (f"m{meter}", Values(n + 1, START + n * STEP_S, 5_000_000 * n, 10_000_000))
        for meter in range(METERS)
        for n in range(-(-COUNT // METERS))
    )
    raw = write_readings(islice(rows, COUNT))
    seals = [
        seal_day(meter, run, GATEWAY)
        for meter, found in read_readings("bench", raw).by_meter.items()
        for _, run in by_day(found)
    ]
    return raw, write_seals(seals)


@measurement("audit_a_million_readings")
def readings() -> Iterator[Case]:
    """From bytes to no finding: every line read, chained and in its day's tree, every seal."""
    meters = _meters()
    raw, sealed = _metered()

    def ours() -> int:
        file = read_readings("bench", raw)
        audit = audit_readings(file, read_seals("seals", sealed), meters)
        if audit.findings or audit.sealed != COUNT:
            raise RuntimeError(f"{len(audit.findings)} findings, {audit.sealed} sealed")
        return audit.sealed

    def floor() -> bytes:
        head, sha256 = bytes(32), hashlib.sha256
        for line in raw.splitlines():
            head = sha256(head + line).digest()
            sha256(line).digest()
            sha256(head + head).digest()  # a node of the tree
        return head

    yield Case(
        run=ours,
        amount=float(COUNT),
        unit="readings/s",
        peer=floor,
        peer_name="hashlib alone",
        note=f"{METERS} meters, {len(sealed.splitlines()) - 1} seals. The "
        "peer only hashes: a chain, leaves and nodes, without reading, rules or signatures",
    )


def _slot() -> tuple[bytes, Slot]:
    below = Header(2, BlockHash("00" * 32), bytes(32), START, 0x170DA8A1, 0)
    after = START - 600
    return below.hash_le, Slot(
        height=Height(955_000),
        bits=0x170DA8A1,
        after=after,
        until=after + 10_000,
        subsidy=Sats(312_500_000),
    )


@cache
def _receipts() -> bytes:
    below, slot = _slot()
    template = Template(
        site="site-1",
        below=below,
        slot=slot,
        outputs=paying(Sats(315_000_000), RESERVE),
        branch=BRANCH,
        time=START,
    )
    return write_receipts("site-1", EASY, islice(work_shares(template, target=EASY), COUNT))


@measurement("audit_a_million_receipts")
def receipts() -> Iterator[Case]:
    """From bytes to proven work: header, coinbase, twelve levels of the tree, payee, duplicates."""
    below, slot = _slot()
    raw = _receipts()
    terms = ReceiptTerms(
        site="site-1", scripts=frozenset({RESERVE}), slots={below: slot}, target=EASY
    )

    def ours() -> int:
        audits = audit_receipts([read_receipts("bench", raw)], [terms])
        (work,) = proven_work(audits)
        if audits[0].findings or work.shares != COUNT:
            raise RuntimeError(f"{len(audits[0].findings)} findings, {work.shares} shares")
        return work.shares

    size = (len(raw) - 47) // COUNT

    def floor() -> bytes:
        sha256, node = hashlib.sha256, bytes(32)
        for start in range(47, len(raw), size):
            sha256(sha256(raw[start : start + 80]).digest()).digest()
            node = sha256(sha256(raw[start + 81 : start + size - 385]).digest()).digest()
            for at in range(start + size - 384, start + size, 32):
                node = sha256(sha256(node + raw[at : at + 32]).digest()).digest()
        return node

    yield Case(
        run=ours,
        amount=float(COUNT),
        unit="receipts/s",
        peer=floor,
        peer_name="hashlib alone",
        note=f"{size} bytes each. The peer only hashes: no header is compared, nothing is read",
    )
