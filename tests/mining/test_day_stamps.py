"""Stamps over a month's seals, in blocks that came too early, in time, and too late."""

import hashlib
from datetime import UTC, datetime

import pytest

from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.mining.day_stamps import judge_stamps, month_document, months_sealed
from khazana.mining.evidence.metering import read_metering
from khazana.mining.evidence.readings import write_readings
from khazana.mining.evidence.seals import read_seals, write_seals
from khazana.statement.timestamps.format import BitcoinBlock, Proof, write_proof
from khazana.statement.timestamps.make import in_block, stamp_of
from khazana.units import Sats, Txid
from tests.mining.metering import METERS, file_of, honest, seals_of

VALUES = honest(33)
READINGS = write_readings(("main-1", value) for value in VALUES)
SEALS = write_seals(seals_of(file_of(VALUES)))


def folder(**stamps):
    return read_metering(
        meters=("meters.toml", METERS.encode()),
        readings=("readings.csv", READINGS),
        seals=("seals.csv", SEALS),
        stamps={name: (f"stamps/{name}.ots", raw) for name, raw in stamps.items()},
    )


def stamped(day: str, month: str = "2026-01"):
    """A stamp over a month in a block of a day, and the chain it is in."""
    document = month_document(read_seals("seals.csv", SEALS), month)
    digest = hashlib.sha256(document).digest()
    spent = TxIn(OutPoint(Txid("11" * 32), 0), b"", 0xFFFFFFFF)
    carrier = Transaction(2, (spent,), (TxOut(Sats(0), b"\x6a\x20" + digest),), 0)
    chain = SimulatedChain()
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    block = chain.add_block([carrier], time=int(at.timestamp()))
    proof = in_block(digest, chain.transaction(carrier.txid, block), REGTEST)
    return chain, write_proof(proof)


def judged(chain, **stamps):
    return judge_stamps([folder(**stamps)], chain=chain, test=True)


def test_the_document_of_a_month_has_a_line_for_every_sealed_day():
    seals = read_seals("seals.csv", SEALS)
    assert months_sealed(seals) == ("2026-01", "2026-02")
    lines = month_document(seals, "2026-01").decode().split("\n")
    assert lines[:2] == ["khazana.meter-days/1", "2026-01"]
    assert len(lines) == 2 + 31 + 1
    first = seals[0]
    assert lines[2] == f"2026-01-01,main-1,{first.root.hex()},{first.head.hex()}"
    # The order of the file does not matter.
    assert month_document(reversed(seals), "2026-01") == month_document(seals, "2026-01")


def test_a_stamp_in_time_gives_the_date_and_the_months_without_one_are_named():
    chain, raw = stamped("2026-02-02")
    found = judged(chain, **{"2026-01": raw})
    assert found.findings == ()
    assert found.summary == "test network, seals existed: 2026-01 by block 1 (2026-02-02)"
    assert found.limits[0].startswith("When the seals of 2026-02 were made is the gateway's word")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-01-15", "block 1 came before the last day sealed in 2026-01 was over"),
        ("2026-03-20", "block 1 came 47 days after 2026-01"),
    ],
)
def test_a_stamp_too_early_or_too_late_is_named(day, said):
    chain, raw = stamped(day)
    (finding,) = judged(chain, **{"2026-01": raw}).findings
    assert (finding.rule, finding.where) == ("E29", "stamps/2026-01.ots")
    assert finding.text.startswith(said)


def test_a_stamp_of_another_month_or_of_a_month_without_seals_is_named():
    chain, raw = stamped("2026-02-02")
    (other,) = judged(chain, **{"2026-02": raw}).findings
    assert other.text == "it is not over the seals of 2026-02 that are given"
    (none,) = judged(chain, **{"2025-11": raw}).findings
    assert none.text == "no day of 2025-11 is sealed"


def test_mainnets_word_for_a_block_does_not_count_on_a_test_network():
    chain, _ = stamped("2026-02-02")
    document = month_document(read_seals("seals.csv", SEALS), "2026-01")
    forged = Proof(stamp_of(hashlib.sha256(document).digest(), (), BitcoinBlock(1)))
    (finding,) = judged(chain, **{"2026-01": write_proof(forged)}).findings
    assert finding.rule == "E28"
    assert "block 1 of the network that began with 000000000019d668" in finding.text
