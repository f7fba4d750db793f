"""A quorum's rotation in a statement: computed again by `verify`, and every lie about it found."""

from functools import cache

import pytest

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.commands import custody_rotation
from khazana.cli.commands import statement as statement_command
from khazana.cli.commands import verify as verify_command
from khazana.cli.main import main
from khazana.cli.rotations import RotationChecks, RotationParts, rotation_lines
from khazana.custody.rotation import RotationLink
from khazana.custody.rotation_file import rotation_section
from khazana.reserve.gather import gather_period
from khazana.reserve.make import make
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report, Verdict
from khazana.statement.envelope import Statement, disclose
from khazana.statement.office_file import Pin
from khazana.units import Height
from tests.custody.quorums import TWO_OF_THREE, A, B, D, register_text
from tests.reserve.simulator import BTC, NOW, OUTSIDER, SEED, World, rerooted, script

PART = "x-custody/rotation/old"


class Story:
    """An old wallet is filled, moves to a new one, gets a late deposit, and pays somebody."""

    def __init__(self) -> None:
        self.world = world = World()
        for name in ("old", "new", "other"):
            world.wallet(name, entity="office")
        world.perimeter("all", "old", "new", "other")
        old, new = script("old"), script("new")
        world.fund(old, 10 * BTC)
        world.mine()
        self.moved = world.spend(old, [(new, 6 * BTC)])
        self.opening = world.mine(2)
        self.since = world.mine()
        world.spend(old, [(new, 3 * BTC)])
        world.mine()
        world.fund(script("old", 1), BTC)
        world.mine()
        world.spend(new, [(OUTSIDER, BTC)])
        self.end = world.mine(2)
        world.mine(8)
        self.link = RotationLink(old="old", new="new", since=self.since, reason="Bo left.")

    def made(self, *links: RotationLink) -> Statement:
        office = self.world.office()
        scripts = {s for w in office.wallets for s in w.scripts}
        facts = gather_period(self.world.chain, scripts, after=self.opening, until=self.end)
        return make(
            office,
            facts,
            salt_seed=SEED,
            fingerprint=self.world.identity.fingerprint,
            previous=None,
            more=[RotationParts(links or (self.link,), facts)],
        ).statement

    def check(self, statement: Statement, **more) -> Report:
        return verify(
            Request(
                raw=self.world.signed(statement),
                chain=self.world.chain,
                engine=best_engine(),
                profile=Profile.FULL,
                now=NOW,
                pin=Pin(self.world.identity.fingerprint),
                **more,
            ),
            more=[RotationChecks()],
        )


@cache
def story() -> Story:
    return Story()


def changed(**fields) -> Report:
    def change(parts):
        parts[PART] |= fields

    return story().check(rerooted(story().made(), change))


def test_the_story_of_a_rotation_is_computed_again():
    statement = story().made()
    report = story().check(statement)
    assert report.exit_status == 0, report.to_json()
    result = report.result("rotation")
    assert result.verdict is Verdict.PASSED
    # 6 BTC moved before the block and 3 after it, change went back once, a deposit came late.
    assert "old to new: 900000000 sat moved" in result.summary
    assert "things to look at" in result.summary
    assert "office's word" in result.limits[0]
    body = next(part.body for part in statement.parts if part.name == PART)
    assert body["moves"][0]["txid"] == story().moved
    assert len(body["moves"]) == 2
    (line,) = rotation_lines(read_reserve_statement(story().world.signed(statement)))
    assert line.startswith(f"rotation: new stands in for old since block {story().since.height}: ")


def test_a_statement_without_rotations_has_no_such_check():
    world = story().world
    raw = world.made(story().opening, story().end).statement
    assert "rotation" not in {line.result.name for line in story().check(raw).lines}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"moved_sat": 1_000_000_000}, "moved_sat is stated as 1000000000; the chain gives 9"),
        ({"left_sat": 0}, "left_sat"),
        ({"held_sat": 0}, "held_sat"),
        ({"fees_sat": 0}, "fees_sat"),
        ({"late": []}, "late: 0 stated, not those that the chain shows (2)"),
        ({"moves": []}, "moves: 0 stated"),
        ({"departures": [1]}, "departures: 1 stated"),
        ({"new": "other"}, "the chain gives"),
        ({"new": "hidden"}, "the statement has no wallet hidden"),
        ({"old": "other"}, "its body is about other"),
        ({"old": "new"}, "cannot stand in for itself"),
        ({"since": {"height": 3, "hash": "ab" * 32}}, "is not in the best chain"),
        ({"since": {"height": 9999, "hash": "ab" * 32}}, "after the closing block"),
        ({"since": {"height": 3}}, "missing required field"),
        ({"until": {"height": 3, "hash": "ab" * 32}}, "until is stated as"),
        ({"note": "x"}, "note is no field of a rotation"),
        ({"reason": ""}, "length"),
        ({"format": "khazana.custody.rotation/2"}, "Invalid enum value"),
    ],
)
def test_a_false_story_fails_this_check_alone(fields, said):
    report = changed(**fields)
    assert report.failed == ("rotation",)
    assert report.exit_status == 1
    words = "; ".join(finding.text for finding in report.result("rotation").findings)
    assert said in words
    assert {finding.rule for finding in report.result("rotation").findings} == {"K15"}


def test_two_successors_of_one_wallet_fail():
    def fork(parts):
        parts["x-custody/rotation/again"] = parts[PART] | {"new": "other"}

    report = story().check(rerooted(story().made(), fork))
    assert report.failed == ("rotation",)
    assert "at most one successor" in report.result("rotation").findings[0].text


def test_a_rotation_after_the_closing_block_is_not_told_yet():
    later = story().world.chain.block_at(Height(story().end.height + 2))
    link = RotationLink(old="old", new="new", since=later, reason="Later.")
    assert PART not in {part.name for part in story().made(link).parts}


def test_a_disclosure_that_withholds_the_story_is_not_checkable():
    statement = disclose(story().made(), lambda name: not name.startswith("x-"))
    result = story().check(statement).result("rotation")
    assert result.verdict is Verdict.NOT_CHECKABLE


def test_who_accepts_the_opening_from_the_previous_statement_is_told_what_is_not_checked():
    world, start = story().world, story().world.chain.block_at(Height(0))
    previous = read_reserve_statement(world.signed(world.made(start, story().opening).statement))
    report = story().check(story().made(), previous=previous, accept_opening=True)
    assert report.result("rotation").verdict is Verdict.NOT_CHECKABLE


# The commands

OFFICE = """\
format = "khazana.office/1"
[office]
id = "example"
name = { en = "Example" }
network = "regtest"
test = true
timezone = "UTC"
[rules]
close = "median_time_past"
min_depth = 6
dust_threshold_sat = 0
match_window_days = 3
currency = "USD"
cost_method = "weighted_average"
unpaid_cost = "fair_value"
impairment = "never_reversed"
[[entity]]
id = "office"
name = { en = "Office" }
sector = "budgetary central government"
"""
WALLET = """\
[[wallet]]
id = "%s"
entity = "office"
name = { en = "%s" }
declared = 0
%s
[[wallet.lane]]
lane = "owned"
"""
RANGES = "range = [{branch = 0, stop = 3}, {branch = 1, stop = 3}]\ngap = 0"


@pytest.fixture
def folder(tmp_path):
    new = f"wsh(sortedmulti(2,{A},{B},{D}))"
    text = OFFICE + WALLET % ("cold-1", "Cold", f'descriptor = "{TWO_OF_THREE}"\n{RANGES}')
    text += WALLET % ("cold-2", "Cold", f'descriptor = "{new}"\n{RANGES}')
    text += WALLET % ("paper", "Paper", f'raw = ["raw({OUTSIDER.hex()})"]')
    (tmp_path / "office.toml").write_text(text)
    (tmp_path / "keys.toml").write_text(register_text())
    return tmp_path


def rotate(folder, *words, old="cold-1", new="cold-2", since="105"):
    office = ["--office", str(folder / "office.toml")]
    given = ["--old", old, "--new", new, "--since", since, "--reason", "Cia left.", *words]
    return main(["custody", "rotate", str(folder / "rotation.toml"), *office, *given])


def test_rotate_writes_the_link_and_says_which_keys_change(folder, capsys):
    assert rotate(folder, "--keys", str(folder / "keys.toml")) == 0
    out = capsys.readouterr().out
    assert "cold-1: any 2 of Anna, Bo, Cia\n" in out
    assert "  leaves: Cia\n  stay: Anna, Bo\n  joins: Dara\n" in out
    assert "test network, invented figures" in out
    text = (folder / "rotation.toml").read_text()
    assert text.startswith('format = "khazana.rotation/1"\n')
    assert text.endswith(
        rotation_section(old="cold-1", new="cold-2", since="105", reason="Cia left.")
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"since": "tip"}, "--since: tip moves with the chain"),
        ({"old": "cold"}, "no wallet is called 'cold'"),
        ({"new": "cold-1"}, "stand in for itself"),
        ({"new": "paper"}, "states addresses, not keys"),
    ],
)
def test_rotate_refuses_and_writes_nothing(folder, words, said, capsys):
    assert rotate(folder, **words) == 2
    assert said in capsys.readouterr().err
    assert not (folder / "rotation.toml").exists()


def test_a_second_successor_is_refused_and_the_file_stays_as_it_was(folder, capsys):
    assert rotate(folder) == 0
    before = (folder / "rotation.toml").read_bytes()
    assert rotate(folder) == 2
    assert "has a successor already" in capsys.readouterr().err
    assert (folder / "rotation.toml").read_bytes() == before
    (folder / "rotation.toml").write_text("broken = [")
    assert rotate(folder) == 2
    assert (folder / "rotation.toml").read_text() == "broken = ["


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The story's office as a file, with the chain in memory in place of a node."""
    text = OFFICE.replace("example", "office").replace("Example", "office")
    for name in ("old", "new", "other"):
        raws = ", ".join(f'"raw({script(name, n).hex()})"' for n in range(2))
        text += WALLET % (name, name, f"raw = [{raws}]")
    (tmp_path / "office.toml").write_text(text)
    section = rotation_section(
        old="old", new="new", since=str(story().since.height), reason="Bo left."
    )
    (tmp_path / "rotation.toml").write_text('format = "khazana.rotation/1"\n' + section)
    for module in (custody_rotation, statement_command, verify_command):
        monkeypatch.setattr(module, "chain_of", lambda _: story().world.chain)
    return tmp_path


def run(*words: object) -> int:
    return main([*map(str, words), "--chain", "esplora:http://127.0.0.1:1"])


def test_story_tells_it_from_the_chain_and_names_what_came_late(told, capsys):
    words = ("custody", "story", told / "rotation.toml", "--office", told / "office.toml")
    assert run(*words) == 1
    out = capsys.readouterr().out
    assert "Wallet new stands in for wallet old" in out
    assert "A deposit reached old after the rotation, 1.00000000 BTC" in out
    assert "K11: a late deposit reached the old wallet" in out
    assert "test network, invented figures" in out
    assert run(*words, "--to", story().since.height) == 1
    assert "A deposit" not in capsys.readouterr().out


def test_a_statement_is_made_shown_and_verified_with_its_rotations(told, capsys):
    out = told / "statement.json"
    words = ("--office", told / "office.toml", "--rotation", told / "rotation.toml")
    period = ("--from", story().opening.height, "--to", story().end.height, "--out", out)
    assert run("statement", "make", *words, *period) == 0
    assert run("verify", out, "--require", "full") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Rotations as they were: old to new: 900000000 sat moved" in shown
    assert main(["statement", "show", str(out)]) == 0
    assert "rotation: new stands in for old" in capsys.readouterr().out
