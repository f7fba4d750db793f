import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.ledger.documents import (
    Document,
    Fiat,
    Reason,
    commitment,
    document_from_record,
    document_grade,
    record,
)
from khazana.units import Sats, Txid

SALT = bytes(range(16))
BUY = Document(
    id="buy-1",
    reason=Reason.ACQUISITION,
    at=datetime(2026, 2, 3, 10, tzinfo=UTC),
    account="cold",
    amount=Sats(1_250_000_000),
    txid=Txid("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"),
    counterparty="مثالی ایکسچینج",
    fiat=Fiat("USD", 125_000_000, 125_000),
)


def test_a_commitment_is_the_hash_of_domain_salt_and_rfc_8785_bytes():
    expected = hashlib.sha256(b"khazana.document/1\n" + SALT + rfc8785.dumps(record(BUY)))
    assert commitment(BUY, SALT) == expected.hexdigest()
    assert commitment(BUY, SALT) != commitment(BUY, SALT[::-1])


CHANGES = {
    "id": "buy-2",
    "reason": Reason.DONATION,
    "at": BUY.at + timedelta(seconds=1),
    "account": "hot",
    "amount": Sats(1),
    "txid": None,
    "address": "x",
    "counterparty": None,
    "counter_account": "y",
    "fiat": Fiat("USD", 125_000_000, 125_001),
    "authority": "z",
    "budget_line": "1",
    "file_sha256": "00" * 32,
    "attested_by": "w",
    "signature": "v",
    "note": "u",
}


def test_every_field_is_committed_to():
    assert set(CHANGES) == set(BUY.__dataclass_fields__)
    changed = {commitment(replace(BUY, **{name: value}), SALT) for name, value in CHANGES.items()}
    assert len(changed | {commitment(BUY, SALT)}) == len(CHANGES) + 1


@given(
    st.builds(
        Document,
        id=st.just("d"),
        reason=st.sampled_from(Reason),
        at=st.integers(0, 2**33).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
        account=st.just("cold"),
        amount=st.integers(1, 21 * 10**14),
        fiat=st.none() | st.builds(Fiat, st.just("PKR"), st.integers(0, 2**53 - 1)),
        note=st.none() | st.text("aé漢 \n", min_size=1),
    )
)
def test_a_record_read_back_is_the_same_document(document):
    assert document_from_record(parse_strict(canonical_bytes(record(document)))) == document


@pytest.mark.parametrize(
    "change",
    [
        {"format": "khazana.document/2"},
        {"extra": 1},
        {"reason": "gift"},
        {"at": "2026-02-03T10:00:00+00:00"},
        {"at": "2026-2-3T10:00:00Z"},
        {"amount_sat": "1"},
        {"amount_sat": True},
        {"amount_sat": 0},
        {"txid": 7},
        {"note": ""},
        {"note": 0},
        {"note": ["a"]},
        {"fiat": 0},
        {"fiat": {}},
        {"fiat": {"currency": "usd", "paid_minor": 1, "fees_minor": 0}},
        {"fiat": {"currency": "USD", "paid_minor": True, "fees_minor": 0}},
        {"fiat": {"currency": "USD", "paid_minor": 1, "fees_minor": 0, "tips": 1}},
        {"reason": []},
    ],
    ids=json.dumps,
)
def test_what_is_not_exactly_a_record_is_refused(change):
    with pytest.raises(ValueError, match=r"\w"):
        document_from_record(record(BUY) | change)


def test_a_record_without_one_of_its_fields_is_refused():
    for name in record(BUY):
        with pytest.raises(ValueError, match=name):
            document_from_record({k: v for k, v in record(BUY).items() if k != name})


@pytest.mark.parametrize(
    "change",
    [
        {"id": "(outside)"},
        {"account": ""},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"at": datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5)))},
        {"at": BUY.at + timedelta(microseconds=1)},
        {"amount": Sats(0)},
        {"amount": Sats(-1)},
        {"amount": Sats(21 * 10**14 + 1)},
        {"txid": Txid("4A" * 32)},
        {"file_sha256": "00"},
        {"note": "e\u0301"},
    ],
    ids=str,
)
def test_a_document_cannot_be_built_wrong(change):
    with pytest.raises(ValueError, match=r"\w"):
        replace(BUY, **change)


def test_an_unverified_signature_counts_for_nothing():
    signed = replace(BUY, signature="x")
    papers = replace(signed, file_sha256="00" * 32, attested_by="Exchange One")
    assert document_grade(BUY).value == "D"
    assert document_grade(BUY, signature_holds=True).value == "D"
    assert document_grade(signed).value == "D"
    assert document_grade(replace(papers, attested_by=None)).value == "D"
    assert document_grade(papers).value == "C"
    assert document_grade(papers, signature_holds=True).value == "B"


def test_a_salt_of_another_length_is_our_mistake():
    with pytest.raises(ValueError, match="16 bytes"):
        commitment(BUY, b"short")


def test_every_reason_has_a_direction_or_is_derived():
    derived = {reason for reason in Reason if not reason.from_document}
    assert derived == {Reason.TRANSFER, Reason.FEE, Reason.UNEXPLAINED}
    assert {reason for reason in Reason if reason.direction == 0} == derived - {Reason.FEE}
    assert replace(BUY, reason=Reason.DISPOSAL).signed_amount == -BUY.amount
    assert BUY.signed_amount == BUY.amount
