"""Booked orders explain their movements: the rows are read, and match what the chain shows."""

import csv
import hashlib
import io

import pytest

from khazana.bitcoin.network import REGTEST
from khazana.custody.orders import events as ev
from khazana.custody.orders.booking import booked_event, document_rows, documents_of
from khazana.custody.orders.errors import TransitionImpossible
from khazana.custody.orders.order import Money, payment
from khazana.custody.orders.order_file import write_order
from khazana.custody.orders.state import Status
from khazana.ledger.documents import Reason, document_grade
from khazana.ledger.grades import EvidenceGrade
from khazana.ledger.problems import ProblemList
from khazana.ledger.rows import read_documents
from tests.custody.orders.desk import BTC, MONDAY, Desk, address, order, purchase
from tests.custody.orders.test_machine import delivered, paid

ID = "2026-014"


def confirmed(ordered) -> Desk:
    desk = Desk()
    state = desk.sent(ordered)
    desk.confirm(ordered.id, state.attempts[0].final)
    return desk


def read_back(rows: bytes):
    problems = ProblemList()
    found = [d for _, d in read_documents("d.csv", rows, network=REGTEST, problems=problems)]
    problems.refuse_if_any("d.csv")
    return tuple(found)


def test_a_batch_gives_a_document_for_each_payment():
    """Rule O33."""
    ordered = order(BTC, 2 * BTC, authority="Act 12")
    desk = confirmed(ordered)
    state = desk.log.order(ID)
    documents = documents_of(state, at=MONDAY)
    assert [d.amount for d in documents] == [BTC, 2 * BTC]
    assert {d.txid for d in documents} == {state.confirmed_txid}
    assert {d.attested_by for d in documents} == {"amir, bibi"}
    assert documents[0].file_sha256 == hashlib.sha256(write_order(ordered)).hexdigest()
    assert document_grade(documents[0]) is EvidenceGrade.C
    assert read_back(document_rows(documents, header=True)) == documents


def test_booking_closes_the_order_and_names_its_rows():
    """Rule O33."""
    desk = confirmed(order())
    documents = documents_of(desk.log.order(ID), at=MONDAY)
    desk.now = desk.now
    event = booked_event(desk.log.order(ID), documents, at=desk.now, by="clerk")
    state = desk.add(event)
    assert (state.status, state.booked.documents) == (Status.BOOKED, ["order-2026-014"])


def test_what_is_not_confirmed_is_not_booked():
    """Rule O33."""
    desk = Desk()
    desk.sent(order())
    with pytest.raises(TransitionImpossible):
        documents_of(desk.log.order(ID), at=MONDAY)


def test_a_transfer_needs_no_document():
    """Rule O33: it follows from the chain (Rule T1)."""
    ordered = order(reason=Reason.TRANSFER, payments=(payment(address("cold"), BTC, REGTEST),))
    assert documents_of(confirmed(ordered).log.order(ID), at=MONDAY) == ()


def test_what_a_sale_brings_is_parted_to_the_last_cent():
    """Rule O33."""
    ordered = order(1, 1, 1, reason=Reason.DISPOSAL, money=Money("USD", 100))
    documents = documents_of(confirmed(ordered).log.order(ID), at=MONDAY)
    assert [d.fiat.paid for d in documents if d.fiat] == [33, 33, 34]


def test_a_purchase_in_parts_keeps_its_price_and_fees_whole():
    """Rule O33."""
    desk = Desk()
    desk.approved(purchase())
    paid(desk)
    delivered(desk, 2 * BTC)
    delivered(desk, 3 * BTC, serial=1)
    desk.add(ev.Receipted(**desk.heading("buy-1", "dana"), file_sha256="11" * 32))
    documents = documents_of(desk.log.order("buy-1"), at=MONDAY)
    assert [d.amount for d in documents] == [2 * BTC, 3 * BTC]
    assert sum(d.fiat.paid for d in documents if d.fiat) == 50_000_000
    assert sum(d.fiat.fees for d in documents if d.fiat) == 500
    assert {d.counterparty for d in documents} == {"Alfa"}
    assert read_back(document_rows(documents, header=True)) == documents


def test_rows_follow_the_columns_of_the_table_that_exists():
    """Rule O33."""
    documents = documents_of(confirmed(order()).log.order(ID), at=MONDAY)
    columns = ("txid", "id", "reason", "at", "account", "amount_sat", "address", "file_sha256")
    with pytest.raises(ValueError, match="attested_by"):
        document_rows(documents, header=False, columns=columns)
    rows = document_rows(documents, header=False, columns=(*columns, "attested_by", "note"))
    (cells,) = csv.reader(io.StringIO(rows.decode()))
    assert cells[:3] == [documents[0].txid, "order-2026-014", "disbursement"]
