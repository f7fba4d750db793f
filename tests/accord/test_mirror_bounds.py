"""What a pull takes at most, and that nobody can stop it by promising what is never served."""

import pytest

from khazana.accord.feed import documents
from khazana.accord.feed.documents import STATE, Limits, read_state
from khazana.accord.feed.errors import FeedTooLarge, FileTooLarge
from khazana.accord.feed.mirror import pull
from khazana.accord.feed.paths import digest_of, document_path
from khazana.errors import KhazanaError
from khazana.statement.log.entries import DisclosureEntry, entry_bytes
from khazana.statement.log.files import appended, new_log
from khazana.statement.log.office_keys import log_origin
from khazana.statement.office_file import Pin, write_office
from khazana.statement.times import write_instant
from tests.accord.offices import AccordWorld
from tests.reserve.simulator import NOW
from tests.statement.log.folder import MemoryFolder

ONE = AccordWorld("drill-office")
PIN = Pin(ONE.identity.fingerprint)


class Mirror(MemoryFolder):
    def exists(self, path):
        return path in self.files


class TimeIsUp(KhazanaError):
    words = "the hour is over"


class Source:
    """A feed that is asked for so many documents at most in each pull."""

    def __init__(self, digests, served=(), other=None):
        self.folder, self.other = MemoryFolder(), other or {}
        self.folder.files["office.json"] = write_office(ONE.identity)
        log = new_log(self.folder, ONE.feed_key, origin=log_origin(ONE.identity.fingerprint))
        appended(log, [entry_of(digest) for digest in digests], ONE.feed_key)
        self.folder.files |= {document_path(digest_of(raw)): raw for raw in served}
        self.folder.files |= {document_path(d): raw for d, raw in self.other.items()}
        self.asked, self.patience = [], 1_000_000

    def get(self, path, *, most):
        if path.startswith("documents/"):
            if self.patience == 0:
                raise TimeIsUp
            self.patience -= 1
            self.asked.append(path.removeprefix("documents/"))
        raw = self.folder.files.get(path)
        if raw is not None and len(raw) > most:
            raise FileTooLarge(address=path, limit=most)
        return raw


def entry_of(digest):
    head = {"office": ONE.identity.fingerprint, "issued": write_instant(NOW)}
    return entry_bytes(DisclosureEntry(**head, root="11" * 32, digest=digest))


def never(count):
    return [f"{number:064x}" for number in range(count)]


def pulled(source, mirror, *, patience=1_000_000, **limits):
    source.patience = patience
    return pull(source, mirror, PIN, now=NOW, limits=Limits(**limits))


def test_documents_that_nobody_serves_do_not_keep_the_others_away():
    served = b"a document"
    source, mirror = Source([*never(7), digest_of(served)], [served]), Mirror()
    for _ in range(3):
        with pytest.raises(TimeIsUp):
            pulled(source, mirror, patience=2)
    assert not mirror.exists(document_path(digest_of(served)))
    with pytest.raises(TimeIsUp):
        pulled(source, mirror, patience=2)
    assert mirror.exists(document_path(digest_of(served)))
    assert read_state(mirror).entries == 8
    assert set(read_state(mirror).missing) == set(never(7))


def test_what_was_missing_is_asked_for_again_after_what_is_new_and_by_turns(monkeypatch):
    monkeypatch.setattr(documents, "MOST_ASKED_AGAIN", 2)
    source, mirror = Source(never(5)), Mirror()
    pulled(source, mirror)
    source.asked.clear()
    for _ in range(2):
        pulled(source, mirror)
    assert source.asked == never(5)[:4]


def test_a_document_that_comes_late_is_missing_no_more():
    late = b"late"
    source, mirror = Source([digest_of(late)]), Mirror()
    assert pulled(source, mirror).missing == (digest_of(late),)
    source.folder.files[document_path(digest_of(late))] = late
    assert pulled(source, mirror).missing == ()


def test_the_list_of_the_missing_does_not_grow_for_ever(monkeypatch):
    monkeypatch.setattr(documents, "MOST_MISSING", 5)
    monkeypatch.setattr(documents, "ASKED_AT_ONCE", 3)
    mirror = Mirror()
    assert pulled(Source(never(20)), mirror).missing == tuple(never(20)[-5:])
    assert len(mirror.files[STATE]) < 1000


def test_bytes_of_false_documents_count_too():
    source, mirror = Source(never(9), other=dict.fromkeys(never(9), b"12345678")), Mirror()
    found = pulled(source, mirror, documents=10)
    assert len(source.asked) == 2
    assert (found.documents, found.left) == (0, 7)


def test_a_document_larger_than_allowed_is_passed_over():
    small, large = b"small", b"x" * 100
    source = Source([digest_of(large), digest_of(small)], [large, small])
    mirror = Mirror()
    found = pulled(source, mirror, document=10)
    assert found.missing == (digest_of(large),)
    assert mirror.exists(document_path(digest_of(small)))


def test_a_document_that_many_entries_name_is_fetched_once():
    source = Source([digest_of(b"one")] * 5, [b"one"])
    assert pulled(source, Mirror()).documents == 1
    assert len(source.asked) == 1


def test_entries_of_too_many_bytes_change_nothing():
    source, mirror = Source(never(300)), Mirror()
    with pytest.raises(FeedTooLarge, match="bytes of new entries"):
        pulled(source, mirror, bundles=10_000)
    assert "checkpoint" not in mirror.files
    assert pulled(source, mirror).log.checkpoint.size == 300


def test_a_copy_that_is_as_large_as_it_may_be_takes_no_more():
    source, mirror = Source([digest_of(b"one")], [b"one"]), Mirror()
    pulled(source, mirror)
    size = read_state(mirror).bytes
    assert size == 3 + len(entry_of(digest_of(b"one")))
    with pytest.raises(FeedTooLarge, match="bytes in your copy"):
        pulled(source, mirror, whole=size)
    assert pulled(source, mirror, whole=size + 1).before == 1
    assert read_state(mirror).bytes == size
