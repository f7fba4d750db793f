"""All postings of the story, and what a document more or less would change."""

from dataclasses import replace

import pytest

from khazana.ledger.documents import Reason
from khazana.reserve.reconciliation import BooksRead, effect_of, gather_all, read_books
from khazana.units import BlockHash, Height
from tests.reserve.simulator import BTC
from tests.reserve.world import story


def books(*, without: str = "") -> BooksRead:
    world = story().world
    office = world.office()
    kept = tuple(d for d in office.documents if d.id != without)
    return read_books(replace(office, documents=kept), gather_all(world.chain, office))


def test_only_what_no_document_explains_is_open_and_a_receipt_names_its_address():
    found = books()
    first, line = (p for p in found.postings if p.unexplained and not p.coinbase)
    assert (first.wallet, first.amount) == ("treasury", 30 * BTC)
    assert line.txid == story().unexplained
    assert (line.wallet, line.amount, line.document, len(line.addresses)) == (
        "treasury", 12_345, None, 1,
    )  # fmt: skip
    payment = next(p for p in found.postings if p.txid == story().payment)
    assert (payment.amount, payment.rule, payment.document) == (-2 * BTC, "M1", "order-1")
    assert len(payment.addresses) == 1


def test_both_ends_of_a_transfer_are_read_and_need_no_document():
    ends = [p for p in books().postings if p.txid == story().transfer]
    assert {(p.wallet, p.amount, p.reason) for p in ends} == {
        ("fund", 20 * BTC, Reason.TRANSFER), ("treasury", -20 * BTC, Reason.TRANSFER),
    }  # fmt: skip


def test_a_document_more_closes_its_line_and_one_less_opens_it():
    whole, less = books(), books(without="tax-1")
    gained = effect_of(less, whole)
    assert [(p.txid, p.document) for p in gained.explained] == [(story().receipt, "tax-1")]
    assert (gained.before - gained.after, gained.opened, gained.new_findings) == (BTC // 2, (), ())
    lost = effect_of(whole, less)
    assert [p.txid for p in lost.opened] == [story().receipt]
    assert (lost.after - lost.before, lost.explained) == (BTC // 2, ())


def test_books_of_different_blocks_are_not_compared():
    found = books()
    other = replace(found, until=replace(found.until, height=Height(1), hash=BlockHash("00" * 32)))
    with pytest.raises(ValueError, match="different blocks"):
        effect_of(found, other)
