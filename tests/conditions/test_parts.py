"""Verdicts under a statement's root: honest ones pass, each lie fails the one check."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.days import closing_block
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.conditions.checks import ConditionChecks
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.memorandum_file import read_memorandum
from khazana.conditions.parts import ConditionParts, conditions_of
from khazana.conditions.statistics import Figures
from khazana.conditions.verdicts import Verdict
from khazana.ledger.documents import Reason
from khazana.reserve.gather import gather_period
from khazana.reserve.levels import keep_at
from khazana.reserve.make import make
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile, Report
from khazana.statement.envelope import Statement, disclose, write_statement
from khazana.statement.errors import StatementMalformed
from khazana.statement.office_file import Pin
from tests.conditions.memoranda import RIGHT
from tests.conditions.test_evaluate import FINANCED, JUNE, figure
from tests.conditions.worlds import ENTERED, owed, public_world
from tests.reserve.simulator import BTC, NOW, SEED, World, rerooted, script

PART = "x-conditions/drill"
# The simulated chain has a block a day from 2011 on.
BASE = date(2011, 2, 7)


def dated() -> Memorandum:

    text = RIGHT.replace("2026-01-01", BASE.isoformat())
    return read_memorandum("drill.toml", text.encode())


@cache
def told() -> tuple[World, BlockRef, BlockRef, Statement]:
    """A consolidation, then a purchase, in one period; clients attested at both ends."""
    world = public_world()
    start = world.mine(5)
    world.spend(script("treasury"), [(script("fund"), 20 * BTC)])
    world.mine()
    bought = world.fund(script("fund", 1), 2 * BTC)
    world.document("invoice", Reason.ACQUISITION, "fund", 2 * BTC, bought)
    world.mine(3)
    end = world.mine(2)
    world.mine(12)
    read = dated()
    base = closing_block(world.chain, BASE, ZoneInfo("Asia/Karachi"))
    assert base == start
    parts = ConditionParts(
        [read],
        figures=Figures(
            (figure("net_international_reserves", JUNE, "-12000"), FINANCED),
            (owed(start, 40), owed(end, 40)),
        ),
        closings={BASE: base},
        today=date(2026, 11, 22),
    )
    office = world.office()
    scripts = {s for w in office.wallets for s in w.scripts}
    made = make(
        office,
        gather_period(world.chain, scripts, after=start, until=end),
        salt_seed=SEED,
        fingerprint=world.identity.fingerprint,
        previous=None,
        more=[parts],
    )
    return world, start, end, made.statement


def checked(
    raw: bytes, *, profile: Profile = Profile.FULL, memoranda: tuple[Memorandum, ...] = ()
) -> Report:
    world = told()[0]
    return verify(
        Request(
            raw=raw,
            chain=world.chain,
            engine=best_engine(),
            profile=profile,
            now=NOW,
            pin=Pin(world.identity.fingerprint),
        ),
        more=[ConditionChecks(memoranda)],
    )


def forged(change: Callable[[dict[str, Any]], None]) -> Report:
    world, *_, statement = told()

    def change_part(parts: dict[str, dict[str, Any]]) -> None:
        change(parts[PART])

    return checked(world.signed(rerooted(statement, change_part)))


def test_the_honest_part_passes_and_says_what_it_rests_on():
    world, start, end, statement = told()
    report = checked(world.signed(statement), memoranda=(dated(),))
    assert report.failed == ()
    assert report.exit_status == 0
    result = report.result("conditions")
    assert "verdicts computed again" in result.summary
    assert any("entered" in limit for limit in result.limits)
    assert not any("office's wording" in limit for limit in result.limits)
    (body,) = conditions_of(read_reserve_statement(write_statement(statement)))
    (test,) = body.accumulation
    assert test.verdict.value == "contradicted"
    assert (test.after, test.until, test.gain) == (start, end, 2 * BTC - 500)
    verdicts = [(e.condition, e.verdict) for e in body.evaluated if e.measured is not None]
    assert ("net-reserves", Verdict.MET) in verdicts
    assert ("no-accumulation", Verdict.BREACHED) in verdicts


def test_without_a_memorandum_of_ones_own_the_report_says_whose_wording_it_is():
    world, *_, statement = told()
    result = checked(world.signed(statement)).result("conditions")
    assert any("office's wording" in limit for limit in result.limits)


def test_a_statement_without_conditions_has_no_such_check():
    world, start, end, _ = told()
    raw = world.signed(world.made(start, end).statement)
    assert "conditions" not in [line.result.name for line in checked(raw).lines]
    report = checked(raw, memoranda=(dated(),))
    assert report.failed == ("conditions",)


def test_a_disclosure_that_withholds_them_is_not_checkable():
    *_, statement = told()
    raw = write_statement(disclose(statement, keep_at("addresses")))
    result = checked(raw, profile=Profile.ADDRESSES).result("conditions")
    assert result.verdict.value == "not checkable"


def breached(body: dict[str, Any]) -> dict[str, Any]:
    (one,) = [e for e in body["evaluated"] if e["verdict"] == "breached"]
    return one


def make_it_met(body: dict[str, Any]) -> None:
    one = breached(body)
    one.update(
        verdict="met", measured="0", headroom="0", why="headroom 0 BTC; counted in the books"
    )


def leave_it_out(body: dict[str, Any]) -> None:
    body["evaluated"].remove(breached(body))


def call_it_shown(body: dict[str, Any]) -> None:
    body["accumulation"][0].update(verdict="shown", gain=-500)


def leave_the_test_out(body: dict[str, Any]) -> None:
    body["accumulation"].clear()


def find_more_reserves(body: dict[str, Any]) -> None:
    (one,) = [e for e in body["evaluated"] if e["condition"] == "net-reserves" and e["measured"]]
    one["headroom"] = "1500"


def owe_clients_more(body: dict[str, Any]) -> None:
    body["liabilities"][1]["amount"] += 2 * BTC


def move_the_base(body: dict[str, Any]) -> None:
    _, _, end, _ = told()
    body["closings"][BASE.isoformat()] = {"height": end.height, "hash": end.hash}


def invent_a_verdict(body: dict[str, Any]) -> None:
    one = copy.deepcopy(body["evaluated"][0])
    one["day"] = "2026-03-31"
    body["evaluated"].append(one)


def leave_the_base_out(body: dict[str, Any]) -> None:
    del body["closings"][BASE.isoformat()]


def ask_too_early(body: dict[str, Any]) -> None:
    body["today"] = "2010-01-01"


LIES = [
    leave_the_base_out,
    ask_too_early,
    make_it_met,
    leave_it_out,
    call_it_shown,
    leave_the_test_out,
    find_more_reserves,
    owe_clients_more,
    move_the_base,
    invent_a_verdict,
]


@pytest.mark.parametrize("lie", [leave_the_base_out, ask_too_early])
def test_what_would_excuse_a_verdict_is_found_by_its_own_rule(lie):
    findings = forged(lie).result("conditions").findings
    assert {finding.rule for finding in findings} == {"K41"}


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_about_conditions_fails_the_one_check(lie):
    report = forged(lie)
    assert report.failed == ("conditions",)
    assert report.result("conditions").findings[0].rule in ("K40", "K41")


def test_a_softer_condition_is_found_by_whoever_brings_the_memorandum():
    world, *_, statement = told()

    def soften(parts: dict[str, dict[str, Any]]) -> None:
        body = parts[PART]
        (condition,) = [c for c in body["memorandum"]["conditions"] if c["id"] == "net-reserves"]
        condition["name"]["en"] = "Floor on something"

    raw = world.signed(rerooted(statement, soften))
    assert checked(raw).failed == ()
    report = checked(raw, memoranda=(dated(),))
    assert report.failed == ("conditions",)
    assert (
        "condition net-reserves is not as in the memorandum" in report.result("conditions").summary
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(format="khazana.conditions/2"),
        lambda body: body.update(more=1),
        lambda body: body["memorandum"].update(more=1),
        lambda body: body["evaluated"][0].update(more=1),
        lambda body: body["memorandum"].update(id="another"),
        lambda body: body["statistics"][0].update(value="-12000.0"),
        lambda body: body["statistics"][0].update(value="1E+999999"),
        lambda body: body["statistics"][0].update(value="NaN"),
        lambda body: body["statistics"][0].update(unit="shells"),
        lambda body: body["statistics"][0].update(grade="A"),
        lambda body: body["memorandum"]["rates"][0].update(per_usd="0"),
        lambda body: body["memorandum"]["conditions"][0].update(unit="shells"),
        lambda body: body["memorandum"]["conditions"][0].update(quantity="luck"),
        lambda body: body["closings"].update({"soon": body["closings"][BASE.isoformat()]}),
        lambda body: body["closings"].update({"2099-01-01": body["closings"][BASE.isoformat()]}),
    ],
)
def test_a_part_that_is_malformed_is_never_passed(change):
    assert forged(change).failed == ("conditions",)


def test_a_malformed_part_is_refused_with_its_place():
    _, _, _, statement = told()
    changed = rerooted(statement, lambda parts: parts[PART].update(today="soon"))
    with pytest.raises(StatementMalformed, match="part x-conditions/drill"):
        conditions_of(read_reserve_statement(write_statement(changed)))


def test_the_part_is_plain_json():
    _, _, _, statement = told()
    (part,) = [p for p in statement.parts if p.name == PART]
    assert json.loads(json.dumps(part.body)) == part.body
    assert part.body["critical"] is False
    assert datetime.fromisoformat(part.body["liabilities"][0]["entered"]) == ENTERED.astimezone(UTC)
