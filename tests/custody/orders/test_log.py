"""The log of orders: every line bound to the one before, every signature judged when it is read."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.custody.orders import events as ev
from khazana.custody.orders.errors import OrderLogRefused
from khazana.custody.orders.log import OrderLog, line_hash, read_log
from khazana.custody.orders.state import Status
from khazana.ledger.canonical import canonical_bytes
from tests.custody.orders.desk import BTC, Desk, order

ID = "2026-014"


@pytest.fixture(scope="module")
def desk() -> Desk:
    made = Desk()
    made.sent(order())
    made.draft(order(120 * BTC, id_="large"))
    made.check("large")
    return made


def rechained(lines: list[bytes]) -> bytes:
    """Lines numbered and chained anew, as somebody who can write the whole file would."""
    head, out = line_hash(lines[0]), [lines[0]]
    for number, line in enumerate(lines[1:], 1):
        event = json.loads(line)["event"]
        out.append(canonical_bytes({"n": number, "previous": head, "event": event}))
        head = line_hash(out[-1])
    return b"".join(line + b"\n" for line in out)


def test_the_log_is_read_back_as_it_was(desk):
    """Rule O31."""
    read = read_log(desk.log.to_bytes(), desk.parties)
    assert read == desk.log
    assert read.order(ID).status is Status.BROADCAST
    assert read.order("large").status is Status.REFUSED
    assert [ev.event_name(e) for e in read.events()][:3] == ["drafted", "attached", "checked"]


def test_everything_refused_stays_with_its_reason(desk):
    """Rule O31."""
    last = desk.log.events()[-1]
    (refusal,) = [each for each in last.results if not each.passed]
    assert "exceed the limit" in refusal.why


@given(st.data())
def test_no_byte_can_be_changed(data):
    """Rule O31."""
    desk = Desk()
    desk.draft(order())
    desk.attach(ID)
    desk.check(ID)
    raw = bytearray(desk.log.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        read = read_log(bytes(raw), desk.parties)
    except OrderLogRefused:
        return
    # The last line alone is bound by nothing but the hash that somebody noted.
    assert read.head != desk.log.head


@pytest.mark.parametrize("place", range(1, 5))
def test_a_line_taken_out_is_noticed(desk, place):
    """Rule O31."""
    lines = list(desk.log.lines)
    del lines[place]
    with pytest.raises(OrderLogRefused) as refused:
        read_log(b"".join(line + b"\n" for line in lines), desk.parties)
    assert refused.value.line == place + 1


def test_a_reordered_log_is_refused_even_when_chained_anew(desk):
    """Rule O31."""
    lines = list(desk.log.lines)
    lines[3], lines[4] = lines[4], lines[3]
    with pytest.raises(OrderLogRefused, match="stands in place"):
        read_log(b"".join(line + b"\n" for line in lines), desk.parties)
    with pytest.raises(OrderLogRefused, match=r"cannot follow|before the event"):
        read_log(rechained(lines), desk.parties)


def test_a_replayed_line_is_refused_even_when_chained_anew(desk):
    """Rule O31: an approval played twice would be two."""
    lines = list(desk.log.lines)
    for place in (1, 4):
        with pytest.raises(OrderLogRefused):
            read_log(rechained([*lines[: place + 1], *lines[place:]]), desk.parties)


def test_a_forged_approval_cannot_be_chained_in(desk):
    """Rule O31."""
    lines = list(desk.log.lines)
    forged = json.loads(lines[4])
    forged["event"]["envelope"]["signatures"][0]["sig"] = "A" * 86 + "=="
    lines[4] = canonical_bytes(forged)
    with pytest.raises(OrderLogRefused) as refused:
        read_log(rechained(lines), desk.parties)
    assert refused.value.line == 5


def test_an_approval_in_the_name_of_somebody_else_is_refused(desk):
    """Rule O31."""
    lines = list(desk.log.lines)
    other = json.loads(lines[4])
    other["event"]["by"] = "chen"
    lines[4] = canonical_bytes(other)
    with pytest.raises(OrderLogRefused, match="amir signed it, not chen"):
        read_log(rechained(lines), desk.parties)


def test_a_check_that_asks_for_fewer_people_than_the_identity_does_not_help(desk):
    """Rule O4: the threshold of the signed identity is the least."""
    lines = list(desk.log.lines[:5])
    check = json.loads(lines[3])
    check["event"]["needed"] = [{"role": "approver", "count": 1}]
    lines[3] = canonical_bytes(check)
    read = read_log(rechained(lines), desk.parties)
    assert read.order(ID).status is Status.CHECKED
    assert len(read.order(ID).counting) == 1


def test_a_log_cut_short_is_noticed_by_whoever_noted_its_last_hash(desk):
    """Rule O32."""
    short = b"".join(line + b"\n" for line in desk.log.lines[:-2])
    assert read_log(short, desk.parties).order(ID).status is Status.BROADCAST
    with pytest.raises(OrderLogRefused, match="is not in it any more"):
        read_log(short, desk.parties, head=desk.log.head)
    earlier = line_hash(desk.log.lines[3])
    assert read_log(desk.log.to_bytes(), desk.parties, head=earlier) == desk.log


def test_half_a_line_is_refused(desk):
    """Rule O31."""
    with pytest.raises(OrderLogRefused, match="cut off"):
        read_log(desk.log.to_bytes()[:-5], desk.parties)
    with pytest.raises(OrderLogRefused, match="cut off"):
        read_log(b"", desk.parties)


def test_the_log_of_another_office_is_refused(desk):
    """Rule O31."""
    opening = json.loads(desk.log.lines[0]) | {"office": "00" * 32}
    raw = desk.log.to_bytes().replace(desk.log.lines[0], canonical_bytes(opening), 1)
    with pytest.raises(OrderLogRefused, match="another office"):
        read_log(raw, desk.parties)
    with pytest.raises(OrderLogRefused):
        read_log(b"nonsense\n", desk.parties)


def test_time_does_not_run_backwards(desk):
    """Rule O31."""
    made = Desk(now=desk.now)
    made.draft(order())
    made.now -= timedelta(hours=1)
    with pytest.raises(OrderLogRefused, match="before the event before it"):
        made.attach(ID)


def test_an_attempt_that_was_refused_is_kept_and_changes_nothing(desk):
    """Rule O31."""
    made = Desk()
    made.draft(order())
    before = made.log.order(ID)
    made.add(
        ev.Attempted(
            **made.heading(ID, "mallory"), what="approved", code="not_in_the_role", why="no key"
        )
    )
    after = made.log.order(ID)
    assert (after.status, after.approvals) == (before.status, ())
    read = read_log(made.log.to_bytes(), made.parties)
    assert isinstance(read, OrderLog)
    assert read.events()[-1].by == "mallory"
