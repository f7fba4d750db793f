"""The file in which an office hands documents to a reader."""

from datetime import UTC, datetime

import pytest

from khazana.ledger.canonical import JsonRefused
from khazana.ledger.document_file import (
    DocumentFileRefused,
    read_document_file,
    write_document_file,
)
from khazana.ledger.documents import Document, Reason
from khazana.units import Sats

SALT = bytes(range(16))


def document(name: str = "invoice-1") -> Document:
    return Document(
        id=name,
        reason=Reason.ACQUISITION,
        at=datetime(2026, 1, 2, tzinfo=UTC),
        account="fund",
        amount=Sats(5),
    )


def test_what_is_written_is_read_back():
    pairs = ((document("a"), SALT), (document("b"), SALT[::-1]))
    assert read_document_file(write_document_file(pairs)) == pairs


def test_no_documents_are_a_file_too():
    assert read_document_file(write_document_file(())) == ()


def test_a_document_that_stands_twice_is_refused_with_its_place():
    raw = write_document_file(((document(), SALT), (document(), SALT)))
    with pytest.raises(DocumentFileRefused, match=r"documents\[1\].*invoice-1 stands here twice"):
        read_document_file(raw)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b"khazana.documents/1", b"khazana.documents/2", "format"),
        (SALT.hex().encode(), b"00", r"documents\[0\]"),
        (SALT.hex().encode(), b"zz", r"documents\[0\]"),
        (b'"acquisition"', b'"gift"', r"documents\[0\]"),
        (b'"amount_sat":5', b'"amount_sat":-5', r"documents\[0\]"),
        (b'"amount_sat":5', b'"amount_sat":true', r"documents\[0\]"),
        (b'"record":{', b'"record":{"more":1,', r"documents\[0\]"),
        (b'"documents":[', b'"more":1,"documents":[', "the top"),
    ],
)
def test_a_changed_file_is_refused_whole_with_the_place(old, new, place):
    raw = write_document_file([(document(), SALT)])
    assert old in raw
    with pytest.raises(DocumentFileRefused, match=place):
        read_document_file(raw.replace(old, new))


@pytest.mark.parametrize("raw", [b"", b"\xff", b'{"a":1,"a":2}', b"[1.5]"])
def test_what_is_no_strict_json_is_refused(raw):
    with pytest.raises(JsonRefused):
        read_document_file(raw)


@pytest.mark.parametrize("raw", [b"[]", b"{}", b'"x"', b'{"documents":{},"format":"x"}'])
def test_json_of_another_shape_is_refused(raw):
    with pytest.raises(DocumentFileRefused):
        read_document_file(raw)
