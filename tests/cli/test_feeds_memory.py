"""However many statements a partner discloses, few of them are in memory at once."""

import gc

import pytest

from khazana.accord.feed.paths import digest_of, document_path
from khazana.cli.feeds import KEPT_STATEMENTS, BesideByPeriod, Statements
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.log.entries import DisclosureEntry, entry_bytes
from khazana.statement.log.files import appended, new_log
from khazana.statement.log.office_keys import log_origin
from khazana.statement.times import write_instant
from tests.accord.offices import statement_of
from tests.reserve.simulator import BTC, NOW
from tests.statement.log.folder import MemoryFolder

COUNT = KEPT_STATEMENTS + 4


@pytest.fixture(scope="module")
def disclosed():
    """A log of statements, and the folder that has their files."""
    folder, entries, roots = MemoryFolder(), [], []
    for number in range(COUNT):
        world, raw = statement_of("drill-office", amount=(number + 1) * BTC)
        root, digest = read_reserve_statement(raw).root, digest_of(raw)
        folder.files[document_path(digest)] = raw
        head = {"office": world.identity.fingerprint, "issued": write_instant(NOW)}
        entries.append(entry_bytes(DisclosureEntry(**head, root=root, digest=digest)))
        roots.append(root)
    log = new_log(folder, world.feed_key, origin=log_origin(world.identity.fingerprint))
    return folder, appended(log, entries, world.feed_key), roots


def in_memory():
    gc.collect()
    return sum(type(each) is ReserveStatement for each in gc.get_objects())


def test_statements_are_read_when_asked_for_and_few_are_kept(disclosed):
    folder, log, roots = disclosed
    before, statements = in_memory(), Statements(folder, log)
    assert in_memory() == before
    assert all(statements(root).root == root for root in roots)
    assert in_memory() - before <= KEPT_STATEMENTS
    assert statements("00" * 32) is None


def test_only_statements_over_the_same_time_stand_beside(disclosed):
    folder, log, roots = disclosed
    _, raw = statement_of("tidal-office", wallet="tides")
    beside = BesideByPeriod(Statements(folder, log), [])
    found = beside(read_reserve_statement(raw))
    assert {each.root for each in found} == set(roots)
    mine = found[0].header.period
    assert all(each.header.period.after.height < mine.until.height for each in found)


def test_a_false_or_missing_document_is_no_statement(disclosed):
    folder, log, roots = disclosed
    emptied = MemoryFolder({p: raw for p, raw in folder.files.items() if "documents" not in p})
    assert Statements(emptied, log)(roots[0]) is None
    spoilt = MemoryFolder({p: b"{}" if "documents" in p else r for p, r in folder.files.items()})
    assert Statements(spoilt, log)(roots[0]) is None
