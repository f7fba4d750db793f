"""Dates of wallets that rest on the log: promised, stamped, opened, judged again by the partner."""

import base64
import contextlib
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from khazana.accord.feed.records import (
    CommitmentsRecord,
    DeclarationRecord,
    said_by,
    sign_record,
    signed_too,
)
from khazana.bitcoin.chain import BlockRef
from khazana.cli.clock import now
from khazana.cli.main import main
from khazana.ledger.accounts import Seal
from khazana.ledger.canonical import canonical_bytes
from khazana.ledger.seals import seal_commitment
from khazana.statement.checks import Verdict
from tests.bitcoin.block_file_writer import write_blocks
from tests.cli.accord_desk import Desk, two_desks
from tests.reserve.simulator import BTC, keys, script

SALT = bytes(range(16))


@dataclass
class Story:
    drill: Desk
    partner: Desk
    blocks: Path
    sealed_at: BlockRef
    stamped_in: BlockRef
    attached: Path
    before: list[str]
    """The partner's findings before the wallet was shown."""

    def verify(self, file: Path | None = None) -> list[str]:
        words = ["verify", file or self.attached, "--chain", f"blocks:{self.blocks}", "--json"]
        return [str(each) for each in [*words, "--office", self.drill.identity]]


def record(desk: Desk, kind, **fields) -> Path:
    made = kind(**said_by(desk.office, at=now()), **fields)
    first, second = keys(desk.world.name)[:2]
    signed = signed_too(sign_record(made, first), second)
    return desk.write(f"{kind.__name__}-{len(list(desk.root.iterdir()))}.json", signed.to_bytes())


def stamped(desk: Desk, blocks: Path) -> BlockRef:
    own = ["accord", "stamp", "--feed", str(desk.feed), "--identity", str(desk.identity)]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(own) == 0
    digest = said.getvalue().split("\n")[1]
    txid = desk.world.fund(b"\x6a\x20" + bytes.fromhex(digest), 0)
    block = desk.world.mine(1)
    write_blocks(blocks, desk.world.chain.blocks)
    place = ["--digest", digest, "--transaction", f"{txid}@{block.height}"]
    assert main([*own, *place, "--chain", f"blocks:{blocks}"]) == 0
    return block


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Story:
    """For those who only read it."""
    return story_in(tmp_path_factory.mktemp("dates"))


@pytest.fixture
def story(tmp_path) -> Story:
    """For those who go on with it."""
    return story_in(tmp_path)


def story_in(folder: Path) -> Story:
    """A wallet sealed and another declared in the log, stamped; later both in a statement."""
    drill, partner, blocks = two_desks(folder)
    world = drill.world
    tip = world.chain.tip()
    scripts = tuple(script("reserve", n) for n in range(2))
    sealed = record(drill, CommitmentsRecord, commitments=(seal_commitment(scripts, SALT),))
    fund = tuple(script("fund", n).hex() for n in range(2))
    declared = record(drill, DeclarationRecord, wallets={"fund": fund})
    assert drill.publish("--new", sealed, declared) == 0
    assert partner.publish("--new") == 0
    block = stamped(drill, blocks)
    assert partner.pull(drill) == 0
    assert partner.witness(drill, blocks) == 0
    before = [entry.finding for _, entry in partner.entries("verdict")]
    world.wallet("fund", entity="treasury", declared=tip)
    shown = world.mine(2)
    world.wallet("reserve", entity="treasury", declared=shown)
    seal = Seal(seal_commitment(scripts, SALT), tip, SALT.hex())
    world.wallets[1] = replace(world.wallets[1], seal=seal)
    world.perimeter("all", "fund", "reserve")
    start = world.mine(2)
    world.fund(script("fund"), BTC)
    end = world.mine(3)
    world.mine(8)
    write_blocks(blocks, world.chain.blocks)
    later = record(
        drill,
        DeclarationRecord,
        wallets={"reserve": tuple(each.hex() for each in scripts)},
    )
    statement = drill.write("statement.json", world.signed(world.made(start, end).statement))
    assert drill.publish(later, statement) == 0
    attached = drill.root / "attached.json"
    own = ["--feed", drill.feed, "--identity", drill.identity, "--out", attached]
    assert main([str(w) for w in ["accord", "attach", statement, *own]]) == 0
    return Story(drill, partner, blocks, tip, block, attached, before)


def checks(story, capsys, file=None):
    capsys.readouterr()
    status = main(story.verify(file))
    report = json.loads(capsys.readouterr().out)
    return status, {each["name"]: each for each in report["checks"]}


def test_verify_says_what_rests_on_the_log_with_entry_and_block(told, capsys):
    status, found = checks(told, capsys)
    assert status == 0
    said = found["log_dates"]["summary"]
    by = told.stamped_in.height
    at = told.sealed_at.height
    assert f"reserve sealed at block {at}: entry 0, shown by block {by}" in said
    assert f"fund declared at block {at}: entry 1, shown by block {by}" in said


def test_what_no_stamped_checkpoint_shows_stays_the_offices_word(told, capsys):
    _, found = checks(told, capsys)
    assert found["log_dates"]["verdict"] == Verdict.NOT_CHECKABLE.value
    assert "on the office's word alone: reserve declared at block" in found["log_dates"]["summary"]


def test_once_all_is_stamped_the_check_passes(story, capsys):
    story.drill.world.mine(1)
    stamped(story.drill, story.blocks)
    own = ["--feed", story.drill.feed, "--identity", story.drill.identity]
    words = ["accord", "attach", story.drill.root / "statement.json", *own]
    assert main([str(w) for w in [*words, "--out", story.attached]]) == 0
    assert "3 entries that show when wallets" in capsys.readouterr().out
    status, found = checks(story, capsys)
    assert status == 0
    assert found["log_dates"]["verdict"] == "passed"
    assert "word alone" not in found["log_dates"]["summary"]


def test_a_sealed_wallet_is_judged_again_once_it_is_shown(story):
    assert story.before == ["not-checkable", "verified", "verified"]
    assert story.partner.pull(story.drill) == 0
    assert story.partner.witness(story.drill, story.blocks) == 0
    again = [e for _, e in story.partner.entries("verdict") if e.index == 0]
    assert [each.finding for each in again] == ["not-checkable", "verified"]
    size = story.partner.checkpoint().size
    assert story.partner.witness(story.drill, story.blocks) == 0
    assert story.partner.checkpoint().size == size


def changed(story, change):
    document = json.loads(story.attached.read_bytes())
    for item in document["evidence"]:
        if item["type"] == "khazana.dated-in-log/1":
            change(item)
    return story.drill.write("changed.json", canonical_bytes(document) + b"\n")


def other_stamp(item):
    if "timestamp" in item:
        stamp = bytearray(base64.b64decode(item["timestamp"]))
        stamp[-1] ^= 1  # the height of the attested block
        item["timestamp"] = base64.b64encode(bytes(stamp)).decode()


def other_index(item):
    item["index"] += 1


def other_issue(item):
    item["entry"]["issued"] = "2020-01-01T00:00:00Z"


@pytest.mark.parametrize("change", [other_stamp, other_index, other_issue])
def test_evidence_that_does_not_hold_fails_the_check(told, capsys, change):
    status, found = checks(told, capsys, changed(told, change))
    assert status == 1
    assert [n for n, each in found.items() if each["verdict"] == "failed"] == ["log_dates"]


def no_record(item):
    item.pop("record", None)


def foreign_record(item):
    if "record" in item:
        record = json.loads(base64.b64decode(item["record"]))
        record["signatures"].reverse()
        raw = canonical_bytes(record) + b"\n"
        item["record"] = base64.b64encode(raw).decode()


@pytest.mark.parametrize("change", [no_record, foreign_record])
def test_a_declaration_without_its_own_record_is_no_evidence(told, capsys, change):
    status, found = checks(told, capsys, changed(told, change))
    assert status == 1
    failed = {n for n, each in found.items() if each["verdict"] == "failed"}
    assert failed == {"evidence", "log_dates"}


def test_scripts_declared_and_not_listed_fail_the_check(story, capsys):
    """The log names a script for the wallet that the statement does not have."""
    strange = record(
        story.drill, DeclarationRecord, wallets={"fund": (script("fund").hex(), "6a01ff")}
    )
    assert story.drill.publish(strange) == 0
    raw = strange.read_bytes()
    from khazana.accord.feed.dated import DATED_TYPE
    from khazana.reserve.reading import read_reserve_statement
    from khazana.statement.envelope import with_evidence, write_statement
    from khazana.statement.evidence import evidence_of
    from khazana.statement.log.inclusion import path_fields
    from khazana.statement.log.office_log import note_in

    log = story.drill.log()
    note = note_in(log.folder)
    statement = read_reserve_statement(story.attached.read_bytes()).envelope
    fields = path_fields(log, note, log.checkpoint.size - 1)
    item = evidence_of(DATED_TYPE, statement, **fields, record=base64.b64encode(raw).decode())
    file = story.drill.write("strange.json", write_statement(with_evidence(statement, item)))
    status, found = checks(story, capsys, file)
    assert status == 1
    assert "declares script 6a01ff for wallet fund" in found["log_dates"]["summary"]


def test_without_evidence_the_check_is_not_there(told, capsys):
    _, found = checks(told, capsys, told.drill.root / "statement.json")
    assert "log_dates" not in found


def shown(story, capsys, *more) -> tuple[int, str]:
    capsys.readouterr()
    status = main([str(w) for w in ["accord", "show", story.drill.feed, *more]])
    return status, capsys.readouterr().out


def test_a_feed_is_shown_with_its_stamps_held_to_a_chain(told, capsys):
    by = told.stamped_in.height
    status, said = shown(told, capsys)
    assert status == 0
    assert f"stamped: 3 entries, block {by} by its time stamp, not checked" in said
    status, said = shown(told, capsys, "--chain", f"blocks:{told.blocks}")
    assert status == 0
    assert f"stamped: 3 entries, shown by block {by} (" in said


def test_a_false_stamp_of_a_feed_is_said_with_the_exit_status(story, capsys):
    (path,) = (story.drill.feed / "stamps").glob("*.ots")
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1  # the height of the attested block
    path.write_bytes(bytes(raw))
    status, said = shown(story, capsys, "--chain", f"blocks:{story.blocks}")
    assert status == 1
    assert "stamped: 3 entries, false: it does not lead to the Merkle root" in said
