"""A dishonest office re-canonicalises, re-roots and re-signs with its valid keys: who notices?

Each attack is made as consistently as its author can make it, and fails exactly one check.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from khazana.reserve.reading import read_reserve_statement
from khazana.statement.envelope import Statement, with_evidence, write_statement
from khazana.statement.evidence import identity_evidence
from khazana.statement.office_file import Pin
from khazana.statement.signatures import joined_evidence, sign_statement
from tests.reserve.simulator import (
    BTC,
    OUTSIDER,
    Parts,
    World,
    identity,
    rerooted,
    script,
    verdicts,
)
from tests.reserve.world import Story, story

MAY_BE_UNCHECKABLE = {"documents", "attested", "valuation", "control", "beside"}
"""What cannot be checked here even for the honest statement: papers, custodians, values, proofs."""


def second(told: Story) -> Statement:
    return told.world.made(
        told.middle, told.end, previous=told.world.made(told.start, told.middle).statement.root
    ).statement


def envelope_of(raw: bytes) -> Statement:
    return read_reserve_statement(raw).envelope


def judged(told: Story, change: Callable[[Parts], None]) -> Any:
    """The verdicts on the second statement after the office changed it and signed it again."""
    forged = told.world.signed(rerooted(second(told), change))
    return told.world.check(forged, previous=told.first)


def assert_only(report: Any, name: str) -> None:
    assert report.failed == (name,), [
        (line.result.name, line.result.summary) for line in report.lines if line.result.findings
    ]
    others = {
        check: verdict
        for check, verdict in verdicts(report).items()
        if check != name and check not in MAY_BE_UNCHECKABLE
    }
    assert set(others.values()) == {"passed"}, others
    assert report.exit_status == 1


def shift(figures: dict[str, Any], **changes: int) -> None:
    for field, amount in changes.items():
        figures[field] += amount


def figures_with(parts: Parts, wallet: str) -> list[dict[str, Any]]:
    """The figures that count a wallet: its own, its entity's, its perimeters'."""
    entity = parts[f"wallet/{wallet}"]["entity"]
    found = [parts[f"wallet/{wallet}"]["figures"], parts[f"entity/{entity}"]["figures"]]
    for name, body in parts.items():
        if name.startswith("perimeter/") and any(m["account"] == wallet for m in body["members"]):
            found.append(body["figures"])
    return found


def lanes_with(parts: Parts, wallet: str, lane: str) -> list[dict[str, Any]]:
    return [
        line
        for name, body in parts.items()
        if name.startswith("perimeter/") and any(m["account"] == wallet for m in body["members"])
        for line in body["lanes"]
        if line["lane"] == lane
    ]


def change_reason(figures: dict[str, Any], reason: str, grade: str, amount: int) -> None:
    for line in figures["reasons"]:
        if line["reason"] == reason:
            line["amount"] += amount
            line["grades"][grade] += amount
            break
    else:
        grades = dict.fromkeys("ABCD", 0) | {grade: amount}
        figures["reasons"].append({"reason": reason, "amount": amount, "grades": grades})
    figures["reasons"] = sorted(
        (line for line in figures["reasons"] if line["amount"] or any(line["grades"].values())),
        key=lambda line: line["reason"],
    )


def test_the_honest_statements_pass_every_check_that_can_be_made():
    told = story()
    for raw, previous in ((told.first, None), (told.second, told.first)):
        report = told.world.check(raw, previous=previous)
        assert report.failed == ()
        assert report.exit_status == 0


def test_one_satoshi_more_in_a_closing_figure():
    def change(parts: Parts) -> None:
        shift(parts["perimeter/public-sector"]["figures"], closing=1)
        parts["perimeter/public-sector"]["figures"]["grades"]["A"] += 1

    assert_only(judged(story(), change), "balance")


def test_one_satoshi_more_in_an_entry_and_in_everything_that_follows_from_it():
    told = story()

    def change(parts: Parts) -> None:
        posting = parts[f"entry/{told.purchase}"]["received"][0]
        posting["amount"] += 1
        for coin in parts["coins/fund"]["closing"]:
            coin["amount"] += coin["outpoint"] == posting["outpoint"]
        parts[f"explanation/{told.purchase}"]["lines"][0]["amount"] += 1
        for figures in figures_with(parts, "fund"):
            shift(figures, inflow=1, closing=1)
            figures["grades"]["A"] += 1
            change_reason(figures, "acquisition", "C", 1)
        for lane in lanes_with(parts, "fund", "owned"):
            lane["closing"] += 1

    assert_only(judged(told, change), "entries")


def test_an_output_to_a_declared_script_is_hidden():
    """The fund's change from a payment goes missing: the office keeps it for itself."""
    told = story()

    def change(parts: Parts) -> None:
        entry = parts[f"entry/{told.payment}"]
        hidden = entry["received"].pop()
        entry["paid_outside"] += hidden["amount"]
        closing = parts["coins/fund"]["closing"]
        closing.remove(next(c for c in closing if c["outpoint"] == hidden["outpoint"]))
        parts[f"explanation/{told.payment}"]["lines"][0]["amount"] -= hidden["amount"]
        for figures in figures_with(parts, "fund"):
            shift(figures, outflow=hidden["amount"], closing=-hidden["amount"])
            figures["grades"]["A"] -= hidden["amount"]
            change_reason(figures, "disbursement", "C", -hidden["amount"])
        for lane in lanes_with(parts, "fund", "owned"):
            lane["closing"] -= hidden["amount"]

    assert_only(judged(told, change), "entries")


def hide_the_payment(told: Story) -> Callable[[Parts], None]:
    """Two bitcoin left the fund; in the statement they never did."""

    def change(parts: Parts) -> None:
        entry = parts.pop(f"entry/{told.payment}")
        del parts[f"explanation/{told.payment}"]
        del parts["document/order-1"]
        returned = {posting["outpoint"] for posting in entry["received"]}
        change_back = sum(posting["amount"] for posting in entry["received"])
        spent = sum(posting["amount"] for posting in entry["spent"])
        coins = [c for c in parts["coins/fund"]["closing"] if c["outpoint"] not in returned]
        known = parts["coins/fund"]["opening"] + [
            {
                "outpoint": posting["outpoint"],
                "amount": posting["amount"],
                "block": body["block"],
                "coinbase": False,
            }
            for name, body in parts.items()
            if name.startswith("entry/")
            for posting in body["received"]
        ]
        for posting in entry["spent"]:
            coins.append(next(c for c in known if c["outpoint"] == posting["outpoint"]))
        parts["coins/fund"]["closing"] = sorted(coins, key=lambda c: c["outpoint"])
        for figures in figures_with(parts, "fund"):
            paid = spent - change_back - entry["fee"]
            shift(figures, outflow=-paid, fee=-entry["fee"], closing=paid + entry["fee"])
            figures["grades"]["A"] += paid + entry["fee"]
            change_reason(figures, "disbursement", "C", paid)
        for lane in lanes_with(parts, "fund", "owned"):
            lane["closing"] += spent - change_back

    return change


def test_a_spend_is_hidden_with_its_whole_entry():
    told = story()
    report = judged(told, hide_the_payment(told))
    assert_only(report, "completeness")
    assert str(told.payment) in report.result("completeness").summary


def test_a_receipt_is_dropped_with_everything_that_follows_from_it():
    told = story()

    def change(parts: Parts) -> None:
        entry = parts.pop(f"entry/{told.unexplained}")
        del parts[f"explanation/{told.unexplained}"]
        gone = entry["received"][0]
        parts["coins/treasury"]["closing"] = [
            c for c in parts["coins/treasury"]["closing"] if c["outpoint"] != gone["outpoint"]
        ]
        for figures in figures_with(parts, "treasury"):
            shift(figures, inflow=-gone["amount"], closing=-gone["amount"])
            figures["grades"]["A"] -= gone["amount"]
            change_reason(figures, "unexplained", "D", -gone["amount"])
        for lane in lanes_with(parts, "treasury", "owned"):
            lane["closing"] -= gone["amount"]

    assert_only(judged(told, change), "completeness")


def test_a_wallet_is_dropped_since_the_last_statement():
    """The custody wallet with seven seized bitcoin is no longer spoken of."""

    def change(parts: Parts) -> None:
        held = parts["wallet/custody"]["figures"]["closing"]
        for kind in ("wallet", "scripts", "coins"):
            del parts[f"{kind}/custody"]
        parts["perimeter/public-sector"]["members"] = [
            m for m in parts["perimeter/public-sector"]["members"] if m["account"] != "custody"
        ]
        for name in ("entity/treasury", "perimeter/public-sector"):
            shift(parts[name]["figures"], opening=-held, closing=-held)
            parts[name]["figures"]["grades"]["A"] -= held
        for lane in parts["perimeter/public-sector"]["lanes"]:
            if lane["lane"] == "seized":
                lane["opening"] = lane["closing"] = 0

    assert_only(judged(story(), change), "continuity")


def test_a_perimeter_is_changed_without_an_entry():
    def change(parts: Parts) -> None:
        body = parts["perimeter/public-sector"]
        body["members"] = [m for m in body["members"] if m["account"] != "custody"]
        held = parts["wallet/custody"]["figures"]["closing"]
        shift(body["figures"], opening=-held, closing=-held)
        body["figures"]["grades"]["A"] -= held
        for lane in body["lanes"]:
            if lane["lane"] == "seized":
                lane["opening"] = lane["closing"] = 0

    assert_only(judged(story(), change), "continuity")


def test_a_coin_is_counted_twice():
    """The treasury lists a coin of the fund among its own, at both ends of the first period."""
    told = story()
    world = told.world
    base = second(told)

    def change(parts: Parts) -> None:
        unspent = {c["outpoint"] for c in parts["coins/mining"]["closing"]}
        coin = next(c for c in parts["coins/mining"]["opening"] if c["outpoint"] in unspent)
        parts["coins/treasury"]["opening"].append(coin)
        parts["coins/treasury"]["closing"].append(coin)
        for figures in figures_with(parts, "treasury"):
            shift(figures, opening=coin["amount"], closing=coin["amount"])
            figures["grades"]["A"] += coin["amount"]
        for lane in lanes_with(parts, "treasury", "owned"):
            lane["opening"] += coin["amount"]
            lane["closing"] += coin["amount"]

    # Without the previous statement, whose closing coins would show it as well.
    report = world.check(world.signed(rerooted(base, change)))
    assert report.failed == ("opening",)


def test_an_external_receipt_is_called_a_transfer():
    told = story()

    def change(parts: Parts) -> None:
        line = parts[f"explanation/{told.receipt}"]["lines"][0]
        line.update(reason="transfer", document=None, grade="A", rule="T1")
        del parts["document/tax-1"]
        for figures in figures_with(parts, "treasury"):
            change_reason(figures, "receipt", "C", -line["amount"])
            change_reason(figures, "transfer", "A", line["amount"])

    assert_only(judged(told, change), "transfers")


def test_a_transfer_is_called_an_acquisition():
    """The defining case as an office would tell it: the fund "bought" what the treasury gave."""
    told = story()

    def change(parts: Parts) -> None:
        lines = parts[f"explanation/{told.transfer}"]["lines"]
        gained = next(line for line in lines if line["wallet"] == "fund")
        gave = next(line for line in lines if line["wallet"] == "treasury")
        gained.update(
            reason="acquisition", counterpart=None, document="invoice-2", grade="C", rule="M1"
        )
        gave.update(reason="disposal", counterpart=None, document="invoice-2", grade="C", rule="M1")
        moved = gained["amount"]
        for name in ("wallet/fund", "entity/bitcoin-office", "perimeter/fund-only"):
            change_reason(parts[name]["figures"], "transfer", "A", -moved)
            change_reason(parts[name]["figures"], "acquisition", "C", moved)
        for name in ("wallet/treasury", "entity/treasury"):
            change_reason(parts[name]["figures"], "transfer", "A", moved)
            change_reason(parts[name]["figures"], "disposal", "C", -moved)
        public = parts["perimeter/public-sector"]["figures"]
        change_reason(public, "acquisition", "C", moved)
        change_reason(public, "disposal", "C", -moved)

    assert_only(judged(told, change), "transfers")


def test_an_immature_coinbase_is_counted_as_spendable():
    def change(parts: Parts) -> None:
        for figures in figures_with(parts, "mining"):
            figures["immature"] = 0

    assert_only(judged(story(), change), "maturity")


def test_what_nobody_explains_is_given_a_reason_without_a_document():
    told = story()

    def change(parts: Parts) -> None:
        line = parts[f"explanation/{told.unexplained}"]["lines"][0]
        line.update(reason="donation")
        for figures in figures_with(parts, "treasury"):
            change_reason(figures, "unexplained", "D", -line["amount"])
            change_reason(figures, "donation", "D", line["amount"])

    assert_only(judged(told, change), "explanations")


def test_a_figure_claims_better_evidence_than_its_documents_give():
    told = story()

    def change(parts: Parts) -> None:
        parts[f"explanation/{told.purchase}"]["lines"][0]["grade"] = "B"
        for figures in figures_with(parts, "fund"):
            change_reason(figures, "acquisition", "C", -3 * BTC)
            change_reason(figures, "acquisition", "B", 3 * BTC)
            for line in figures["reasons"]:
                line["amount"] = sum(line["grades"].values())

    assert_only(judged(told, change), "explanations")


@pytest.mark.parametrize("which", ["after", "until"])
def test_another_block_hash(which: str):
    """Nothing that rests on the chain can be checked then, and nothing of it passes."""

    def change(parts: Parts) -> None:
        parts["header"]["period"][which]["hash"] = "00" * 31 + "aa"

    told = story()
    report = told.world.check(told.world.signed(rerooted(second(told), change)))
    assert report.failed == ("period",)
    assert verdicts(report)["entries"] == "not checkable"
    assert report.exit_status == 1


def test_a_statement_over_a_stale_block_fails_and_is_to_be_superseded():
    world = World()
    world.wallet("fund", entity="office")
    world.perimeter("all", "fund")
    start = world.mine()
    world.fund(script("fund"), BTC)
    until = world.mine(2)
    world.mine(6)
    raw = world.signed(world.made(start, until).statement)
    assert world.check(raw).failed == ()
    world.chain.reorganise(start.height, [[] for _ in range(12)])
    report = world.check(raw)
    assert report.failed == ("period",)
    assert "superseded" in report.result("period").summary


def test_a_script_is_declared_by_two_wallets():
    told = story()

    def change(parts: Parts) -> None:
        parts["scripts/treasury"]["scripts"][1] = parts["scripts/fund"]["scripts"][0]

    report = told.world.check(told.world.signed(rerooted(second(told), change)))
    assert report.failed == ("scripts",)


def test_a_wallet_is_backdated_before_the_previous_statement():
    """A wallet that turns up now says it was declared long ago; the last statement says not."""
    told = story()
    world = told.world
    late = World(
        chain=world.chain,
        wallets=[*world.wallets],
        accounts=world.accounts,
        attestations=world.attestations,
        documents=world.documents,
        perimeters=world.perimeters,
    )
    late.wallet("found", entity="treasury")
    raw = late.signed(
        late.made(
            told.middle, told.end, previous=world.made(told.start, told.middle).statement.root
        ).statement
    )
    report = late.check(raw, previous=told.first)
    assert report.failed == ("continuity",)
    assert "declared" in report.result("continuity").summary


def test_the_closing_block_was_not_deep_enough():
    world = World()
    world.wallet("fund", entity="office")
    world.perimeter("all", "fund")
    start = world.mine()
    until = world.mine(2)
    world.mine(2)
    report = world.check(world.signed(world.made(start, until).statement))
    assert report.failed == ("period",)
    assert "deep" in report.result("period").summary


def test_a_coin_is_left_out_of_the_closing_coins():
    """A consistent lie is impossible here: opening and entries lead to the coin."""
    told = story()

    def change(parts: Parts) -> None:
        parts["coins/mining"]["closing"].pop()

    assert "closing_coins" in judged(told, change).failed


def test_a_signature_by_other_keys_is_not_the_offices():
    told = story()
    stranger = World(name="office-of-strangers")
    forged = stranger.signed(second(told))
    assert told.world.check(forged, previous=told.first).failed == ("identity",)


def test_a_statement_was_signed_before_its_period_closed():
    told = story()
    statement = second(told)
    early = datetime.fromtimestamp(told.world.chain.blocks[3].header.time, tz=UTC)
    office = identity(told.world.name, told.world.keys, since=early - timedelta(days=1))
    for key in told.world.keys[:2]:
        statement = joined_evidence(statement, sign_statement(statement, office, key, at=early))
    raw = write_statement(with_evidence(statement, identity_evidence(statement, office)))
    report = told.world.check(raw, previous=told.first, pin=Pin(office.fingerprint, office))
    assert "signatures" in report.failed
    assert "before the closing block" in report.result("signatures").summary


def test_a_signature_is_replayed_from_another_statement():
    told = story()
    signature = next(
        item for item in envelope_of(told.first).evidence if item.type == "khazana.signature/1"
    )
    replayed = with_evidence(
        second(told), replace(signature), identity_evidence(second(told), told.world.identity)
    )
    report = told.world.check(write_statement(replayed), previous=told.first)
    assert_only(report, "signatures")


def test_a_part_is_swapped_between_disclosures_of_two_statements():
    """A document's commitment of the first statement stands in for one of the second."""
    told = story()
    theirs = envelope_of(told.first).part("document/invoice-1")
    ours = envelope_of(told.second)
    index = next(p.index for p in ours.parts if p.name == "document/invoice-2")
    body = {**theirs.body, "id": "invoice-2"}
    leaves = [
        replace(leaf, body=body, salt=theirs.salt) if leaf.index == index else leaf
        for leaf in ours.leaves
    ]
    swapped = write_statement(replace(ours, leaves=tuple(leaves)))
    assert_only(told.world.check(swapped, previous=told.first), "root")


def test_payments_to_outsiders_never_show_outsiders_inputs():
    told = story()
    text = told.second.decode()
    assert OUTSIDER.hex() not in text
