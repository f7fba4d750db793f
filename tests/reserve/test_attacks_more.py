"""Further lies with valid keys, each found by one check: blocks, grades, explanations, books."""

from collections.abc import Callable
from typing import Any

import pytest

from khazana.reserve import checks_blocks
from khazana.statement.envelope import NetworkName, make_statement
from tests.reserve.simulator import (
    BTC,
    NOW,
    SEED,
    Parts,
    World,
    parts_of,
    rerooted,
    script,
    verdicts,
)
from tests.reserve.test_attacks import assert_only, change_reason, figures_with, judged, second
from tests.reserve.world import Story, story

Change = Callable[[Parts], None]
NOWHERE = "ab" * 32


def block(height: int) -> dict[str, Any]:
    found = story().world.chain.block_at(height)
    return {"height": found.height, "hash": found.hash}


def moved(body: dict[str, Any], height: int) -> None:
    body["block"] = block(height)


# Parts that do not fit one another: refused as malformed, where figures would not notice.


def entry_after_the_period(parts: Parts) -> None:
    moved(parts[f"entry/{story().purchase}"], story().end.height + 1)


def entry_before_the_period(parts: Parts) -> None:
    moved(parts[f"entry/{story().purchase}"], story().middle.height)


def two_entries_at_one_place(parts: Parts) -> None:
    one, other = (parts[f"entry/{txid}"] for txid in (story().receipt, story().unexplained))
    one["position"] = other["position"]


def period_that_ends_before_it_begins(parts: Parts) -> None:
    period = parts["header"]["period"]
    period["after"], period["until"] = period["until"], period["after"]


def period_of_no_length(parts: Parts) -> None:
    parts["header"]["period"]["until"] = parts["header"]["period"]["after"]


def account_called_like_a_wallet(parts: Parts) -> None:
    parts["account/fund"] = {**parts.pop("account/exchange"), "id": "fund", "lines": []}


def entity_left_out(parts: Parts) -> None:
    del parts["entity/energy-company"]


def coins_of_nobody(parts: Parts) -> None:
    parts["coins/ghost"] = {"wallet": "ghost", "opening": [], "closing": []}


def second_header(parts: Parts) -> None:
    parts["header/2"] = parts["header"]


def balance_attested_after_the_period(parts: Parts) -> None:
    moved(parts["account/exchange"]["attested"][0], story().end.height + 1)


def opening_balance_attested_in_the_period(parts: Parts) -> None:
    account = parts["account/exchange"]
    account["opening"] = {**account["attested"][0], "amount": 0}


def line_about_another_account(parts: Parts) -> None:
    parts["account/exchange"]["lines"][0]["wallet"] = "fund"


def loss_of_nobody(parts: Parts) -> None:
    parts["book/1"] = correction("loss", "ghost", -BTC)


def loss_after_the_period(parts: Parts) -> None:
    parts["book/1"] = {**correction("loss", "fund", -BTC), "block": block(story().end.height + 1)}


def followed_and_replaced(parts: Parts) -> None:
    parts["header"]["supersedes"] = parts["header"]["previous"]


def correction(kind: str, account: str, amount: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "block": block(story().end.height),
        "account": account,
        "perimeter": None,
        "amount": amount,
        "document": None,
        "details": {},
    }


@pytest.mark.parametrize(
    "change",
    [
        entry_after_the_period,
        entry_before_the_period,
        two_entries_at_one_place,
        period_that_ends_before_it_begins,
        period_of_no_length,
        account_called_like_a_wallet,
        entity_left_out,
        coins_of_nobody,
        second_header,
        balance_attested_after_the_period,
        opening_balance_attested_in_the_period,
        line_about_another_account,
        loss_of_nobody,
        loss_after_the_period,
        followed_and_replaced,
    ],
)
def test_parts_that_do_not_fit_one_another_are_refused(change: Change):
    assert judged(story(), change).failed == ("schema",)


def test_an_extension_that_is_not_counted_makes_no_room_for_a_withheld_part():
    """The header counts a fifth wallet instead of the extension: as if one were withheld."""
    told = story()
    parts = parts_of(second(told))
    parts["x-note/1"] = {"critical": False}
    raw = told.world.signed(rerooted(second(told), lambda p: p.update(parts)))
    assert told.world.check(raw, previous=told.first).failed == ()
    header = parts.pop("header")
    header["parts"] = {**header["parts"], "wallet": header["parts"]["wallet"] + 1}
    forged = make_statement(
        network=NetworkName(**header["network"]),
        test=True,
        header=header,
        parts=list(parts.items()),
        salt_seed=SEED,
    )
    assert told.world.check(told.world.signed(forged)).failed == ("schema",)


# Blocks that never were, or not yet.


def wallet_declared(parts: Parts) -> dict[str, Any]:
    return parts["wallet/fund"]["declared"]


def lane_since(parts: Parts) -> dict[str, Any]:
    since = block(3)
    parts["wallet/fund"]["lanes"].append({"lane": "owned", "since": since, "document": None})
    return since


def member_since(parts: Parts) -> dict[str, Any]:
    member = parts["perimeter/fund-only"]["members"][0]
    member["since"] = block(0)
    return member["since"]


def balance_attested(parts: Parts) -> dict[str, Any]:
    return parts["account/exchange"]["attested"][0]["block"]


def promise(parts: Parts) -> dict[str, Any]:
    sealed = {"commitment": NOWHERE, "block": block(story().end.height)}
    parts["sealed/1"] = sealed
    return sealed["block"]


def restated(parts: Parts) -> dict[str, Any]:
    entry = correction("restatement", "fund", 0)
    parts["book/1"] = entry
    return entry["block"]


NAMED = [wallet_declared, lane_since, member_since, balance_attested, promise, restated]


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("which", ["another hash", "another height"])
def test_a_block_that_is_named_must_be_in_the_best_chain(named, which: str):
    def change(parts: Parts) -> None:
        body = named(parts)
        if which == "another hash":
            body["hash"] = NOWHERE
        else:
            body["hash"] = story().world.chain.block_at(body["height"] + 1).hash

    told = story()
    report = told.world.check(told.world.signed(rerooted(second(told), change)))
    assert_only_here(report, "blocks")


def assert_only_here(report: Any, name: str) -> None:
    """As assert_only, without the previous statement, which would show some lies as well."""
    assert report.failed == (name,), report.failed
    unmade = {n for n, verdict in verdicts(report).items() if verdict == "not checkable"}
    assert unmade <= {"documents", "attested", "valuation", "control", "continuity", "beside"}


def test_named_blocks_are_the_chains_where_they_are_true():
    told = story()
    for named in (member_since, promise, restated):
        report = told.world.check(told.world.signed(rerooted(second(told), named)))
        assert verdicts(report)["blocks"] == "passed"


def test_a_wallet_cannot_be_declared_at_a_block_newer_than_the_statement():
    def change(parts: Parts) -> None:
        tip = parts["header"]["tip"]["height"]
        parts["wallet/custody"]["lanes"].append(
            {"lane": "forfeited", "since": {"height": tip + 1, "hash": NOWHERE}, "document": None}
        )

    assert_only(judged(story(), change), "blocks")


def test_a_tip_that_the_chain_never_had_is_said_and_one_that_was_replaced_is_no_lie():
    def change(parts: Parts) -> None:
        parts["header"]["tip"]["hash"] = NOWHERE

    report = judged(story(), change)
    assert report.failed == ()
    assert any("is not in the best chain" in limit for limit in report.limits)


def test_a_source_is_not_asked_about_a_million_blocks(monkeypatch: pytest.MonkeyPatch):
    """More heights than the bound: the check cannot be made, and that is no pass."""
    told = story()

    def change(parts: Parts) -> None:
        for height in range(5):
            parts[f"sealed/{height}"] = {"commitment": f"{height:064x}", "block": block(height)}

    raw = told.world.signed(rerooted(second(told), change))
    assert verdicts(told.world.check(raw))["blocks"] == "passed"
    monkeypatch.setattr(checks_blocks, "MOST_HEIGHTS", 4)
    report = told.world.check(raw)
    assert verdicts(report)["blocks"] == "not checkable"
    assert report.exit_status == 2


# Evidence grades.


def test_a_custodians_letter_is_not_what_anyone_derives_from_the_chain():
    def change(parts: Parts) -> None:
        parts["account/exchange"]["attested"][0]["grade"] = "A"
        for name in ("account/exchange", "entity/treasury", "perimeter/public-sector"):
            grades = parts[name]["figures"]["grades"]
            grades["A"] += 4 * BTC
            grades["C"] -= 4 * BTC

    assert_only(judged(story(), change), "attested")


def test_a_letter_that_nobody_signed_is_only_entered():
    def change(parts: Parts) -> None:
        parts["account/exchange"]["attested"][0]["attested_by"] = None

    assert_only(judged(story(), change), "attested")


@pytest.mark.parametrize("grade", ["A", "B"])
def test_a_document_claims_the_chains_grade_or_a_signature_it_does_not_have(grade: str):
    told = story()

    def change(parts: Parts) -> None:
        parts["document/invoice-2"]["grade"] = grade
        parts[f"explanation/{told.purchase}"]["lines"][0]["grade"] = grade
        for figures in figures_with(parts, "fund"):
            change_reason(figures, "acquisition", "C", -3 * BTC)
            change_reason(figures, "acquisition", grade, 3 * BTC)

    assert_only(judged(told, change), "explanations")


def test_a_document_without_the_hash_of_a_paper_attests_nothing():
    def change(parts: Parts) -> None:
        parts["document/invoice-2"]["file_sha256"] = None

    assert_only(judged(story(), change), "explanations")


# Explanations that add up and are false.


def line_of(parts: Parts, txid: str) -> dict[str, Any]:
    return parts[f"explanation/{txid}"]["lines"][0]


def test_purchases_and_payments_that_cancel_explain_nothing():
    """A hundred bitcoin bought and paid out again in a receipt of half a bitcoin."""
    told = story()

    def change(parts: Parts) -> None:
        line = line_of(parts, told.receipt)
        parts[f"explanation/{told.receipt}"]["lines"] += [
            {**line, "amount": 100 * BTC},
            {**line, "reason": "disbursement", "amount": -100 * BTC},
        ]
        for figures in figures_with(parts, "treasury"):
            change_reason(figures, "receipt", "C", 100 * BTC)
            change_reason(figures, "disbursement", "C", -100 * BTC)

    assert_only(judged(told, change), "explanations")


def test_a_receipt_is_not_dust_because_it_is_split_into_lines():
    told = story()

    def change(parts: Parts) -> None:
        line = line_of(parts, told.unexplained)
        parts[f"explanation/{told.unexplained}"]["lines"] = [
            {**line, "reason": "dust", "grade": "A", "rule": "M4", "amount": amount}
            for amount in [1000] * 12 + [345]
        ]
        for figures in figures_with(parts, "treasury"):
            change_reason(figures, "unexplained", "D", -12_345)
            change_reason(figures, "dust", "A", 12_345)

    report = judged(told, change)
    assert_only(report, "explanations")
    assert "dust threshold" in report.result("explanations").summary


def test_a_raised_dust_threshold_is_printed_with_what_it_covers():
    told = story()

    def change(parts: Parts) -> None:
        parts["header"]["dust_threshold"] = 20_000
        line = line_of(parts, told.unexplained)
        line.update(reason="dust", grade="A", rule="M4")
        for figures in figures_with(parts, "treasury"):
            change_reason(figures, "unexplained", "D", -12_345)
            change_reason(figures, "dust", "A", 12_345)

    report = judged(told, change)
    assert report.failed == ()
    assert any("12945 sat came in receipts of at most 20000 sat" in x for x in report.limits)
    assert any("changed dust_threshold from 1000 to 20000" in x for x in report.limits)


def test_a_coinbase_was_not_bought():
    told = story()
    mined = next(
        name
        for name, body in parts_of(second(told)).items()
        if name.startswith("entry/") and body["coinbase"]
    ).partition("/")[2]

    def change(parts: Parts) -> None:
        line = line_of(parts, mined)
        line.update(reason="acquisition", document="invoice-2", grade="C", rule="M1")
        for figures in figures_with(parts, "mining"):
            change_reason(figures, "unexplained", "D", -25 * BTC)
            change_reason(figures, "acquisition", "C", 25 * BTC)

    assert_only(judged(told, change), "explanations")


@pytest.mark.parametrize(
    ("field", "value"),
    [("counterpart", "ghost"), ("counterpart", "treasury"), ("rule", "T1"), ("rule", "X9")],
)
def test_a_line_names_an_end_or_a_rule_that_is_not_there(field: str, value: str):
    told = story()

    def change(parts: Parts) -> None:
        line_of(parts, told.purchase)[field] = value

    assert_only(judged(told, change), "explanations")


def test_an_account_is_named_as_the_other_end_of_what_nothing_explains():
    told = story()

    def change(parts: Parts) -> None:
        line_of(parts, told.unexplained)["counterpart"] = "exchange"

    assert_only(judged(told, change), "explanations")


@pytest.mark.parametrize(
    ("reason", "grade"), [("acquisition", "D"), ("transfer", "A"), ("dust", "A"), ("magic", "D")]
)
def test_a_custodial_balance_rises_for_a_reason_that_nothing_shows(reason: str, grade: str):
    def change(parts: Parts) -> None:
        parts["account/exchange"]["lines"][0].update(reason=reason, grade=grade)
        for name in ("account/exchange", "entity/treasury", "perimeter/public-sector"):
            figures = parts[name]["figures"]
            change_reason(figures, "unexplained", "D", -4 * BTC)
            change_reason(figures, reason, grade, 4 * BTC)

    assert_only(judged(story(), change), "explanations")


# Entries of the books.


def test_a_perimeter_change_is_stated_twice():
    world = World()
    start = world.mine(2)
    world.wallet("fund", entity="office")
    world.wallet("found", entity="office", declared=world.mine(2))
    world.perimeter("all", "fund", "found")
    world.fund(script("fund"), BTC)
    until = world.mine(2)
    world.mine(6)
    statement = world.made(start, until).statement
    assert world.check(world.signed(statement)).failed == ()

    def change(parts: Parts) -> None:
        number = sum(name.startswith("book/") for name in parts)
        parts[f"book/{number + 1}"] = parts[f"book/{number}"]

    assert_only_here(world.check(world.signed(rerooted(statement, change))), "book_entries")


def corrected(kind: str, amount: int) -> Change:
    def change(parts: Parts) -> None:
        parts["book/1"] = correction(kind, "fund", amount)
        for figures in figures_with(parts, "fund"):
            figures["corrections"][kind] = amount
            figures["corrections"]["closing"] = amount

    return change


def test_a_loss_that_adds_is_no_loss_and_more_than_all_cannot_be_written_off():
    assert judged(story(), corrected("loss", -BTC)).failed == ()
    assert judged(story(), corrected("restatement", BTC)).failed == ()
    assert_only(judged(story(), corrected("loss", BTC)), "book_entries")
    assert_only(judged(story(), corrected("loss", -1000 * BTC)), "book_entries")


def test_the_story_is_told_before_now():
    """The forgeries above are not in the future, which would be another wrong."""
    last = story().world.chain.blocks[-1].header.time
    assert last < NOW.timestamp()


def test_another_offices_id_in_the_header_is_not_the_pinned_one():
    def change(parts: Parts) -> None:
        parts["header"]["office"]["id"] = "another-state"

    told: Story = story()
    report = told.world.check(told.world.signed(rerooted(second(told), change)))
    assert "identity" in report.failed
