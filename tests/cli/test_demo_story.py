"""The demo's story in figures: what each office did, as its signed statements tell it."""

import csv
import hashlib

import pytest

from khazana.bitcoin.transaction import OutPoint
from khazana.cli.demo import el_salvador, names, orders, pakistan, purchases
from khazana.cli.demo.figures import on_one_day
from khazana.cli.demo.timeline import CLOSING_DEPTH, FEWEST_DAYS, MOST_DAYS, OPENING, Timeline
from khazana.statement.checks import TEST_NOTICE
from khazana.units import SATS_PER_BTC
from tests.cli.played import ENDS, STATES, TIMELINE

LAST = TIMELINE.periods


def test_the_page_rises_by_109_while_the_public_sector_pays_only_fees(played):
    told = played.statement("el-salvador/statement.json")
    bars = on_one_day(told, TIMELINE.within(LAST, 60), page="fund", stock="public-sector")
    assert bars.received == 109 * SATS_PER_BTC
    assert -10_000 < bars.change < 0
    assert "the fund's wallet received 109.00000000 BTC" in played.output


def test_the_second_reserve_was_sealed_first_and_declared_later(played):
    before = played.published("el-salvador", LAST - 1)
    after = played.statement("el-salvador/statement.json")
    assert "treasury-second" not in before.wallets
    assert len(before.sealed) == 1
    second = after.wallets["treasury-second"]
    assert after.sealed == ()
    assert second.seal is not None
    assert second.seal.commitment == before.sealed[0].commitment
    assert second.seal.block.height < before.header.period.after.height < second.declared.height
    figures = after.perimeters["public-sector"].figures
    assert figures.perimeter_change == 33 * SATS_PER_BTC


def test_the_splits_keep_every_address_under_its_cap(played):
    first = played.published("el-salvador", 2).coins["fund"].closing
    # Only the split has several outputs to the fund.
    parts = [c for c in first if sum(o.outpoint[:64] == c.outpoint[:64] for o in first) > 2]
    assert len(parts) == el_salvador.SPLIT_ADDRESSES
    for name, wallet, cap in (
        ("el-salvador", "fund", el_salvador.CAP),
        ("pakistan", "reserve-cold", pakistan.CAP),
    ):
        coins = played.statement(f"{name}/statement.json").coins[wallet].closing
        assert max(coin.amount for coin in coins) <= cap


def test_a_quorum_is_rotated_and_its_story_stands_in_every_statement_after(played):
    since = TIMELINE.approved + 1
    for period in range(1, LAST + 1):
        statement = played.published("el-salvador", period)
        stories = [p for p in statement.envelope.parts if p.name.startswith("x-custody/")]
        assert len(stories) == (1 if period >= since else 0)
    body = stories[0].body
    assert (body["old"], body["new"]) == ("treasury-reserve", "treasury-renewed")
    assert body["left_sat"] == 0 < body["moved_sat"]
    assert body["late"] == body["departures"] == []
    wallets = played.statement("el-salvador/statement.json").descriptors
    keys = [set(wallets[name].descriptor.split("[")[1:]) for name in (body["old"], body["new"])]
    old, new = ({key[:8] for key in part} for part in keys)
    assert len(old & new) == 2
    assert len(old | new) == 4


def test_recovery_devices_move_a_coin_after_the_wait_and_it_stays_inside(played):
    day = TIMELINE.within(LAST, 90)
    told = played.statement("el-salvador/statement.json")
    (entry,) = [e for e in told.entries if e.block.height == day and e.spent[0].wallet == "fund"]
    assert [p.wallet for p in (*entry.spent, *entry.received)] == ["fund", "fund"]
    block = played.chain.block_at(entry.block.height)
    raw = next(c for c in played.chain.history(
        {bytes.fromhex(s) for s in told.scripts["fund"].scripts}, None, block
    ) if c.txid == entry.txid)  # fmt: skip
    assert raw.transaction.inputs[0].sequence == 28
    empty = [item for item in raw.transaction.inputs[0].witness if not item]
    assert len(empty) == 5  # four decline the first quorum, one feeds the second's extra pop


def test_mined_coins_are_held_and_were_immature_once(played):
    mined = played.published("el-salvador", TIMELINE.approved).perimeters["public-sector"].figures
    assert 0 < mined.immature < mined.closing
    assert mined.coinbase > 0


def test_nothing_is_bought_or_mined_once_the_arrangement_began(played):
    for period in range(TIMELINE.approved + 1, LAST + 1):
        figures = played.published("el-salvador", period).perimeters["public-sector"].figures
        assert figures.coinbase == 0
        assert not {"acquisition", "mined"} & {reason.reason for reason in figures.reasons}


def test_clients_coins_stand_in_a_lane_of_their_own(played):
    reasons = set()
    for period in range(1, LAST + 1):
        public = played.published("el-salvador", period).perimeters["public-sector"]
        lanes = {lane.lane: lane.closing for lane in public.lanes}
        assert 0 < lanes["held_for_clients"] < lanes["owned"]
        reasons |= {r.reason for r in public.figures.reasons}
    assert {"client_deposit", "client_withdrawal"} <= reasons


def test_pakistans_books_show_every_kind_of_flow(played):
    amounts: dict[str, int] = {}
    roots = [p["root"] for p in played.listed("pakistan") if p["superseded_by"] is None]
    for listed in played.listed("pakistan"):
        if listed["root"] in roots:
            statement = played.statement(f"pakistan/{listed['statement']}")
            for reason in statement.perimeters["public-sector"].figures.reasons:
                amounts[reason.reason] = amounts.get(reason.reason, 0) + reason.amount
    assert amounts["unexplained"] == pakistan.UNEXPLAINED
    assert amounts["dust"] == pakistan.DUST
    batch = sum(orders.BATCH) * SATS_PER_BTC // 100
    assert amounts["disbursement"] == -pakistan.DISBURSED - batch
    assert amounts["seizure"] == sum(pakistan.SEIZED)
    assert amounts["mined"] > 0
    assert amounts["acquisition"] == (
        LAST * pakistan.PURCHASE + pakistan.BOUGHT_AT_CUSTODIAN + purchases.BOUGHT
    )
    grades = statement.perimeters["public-sector"].figures.grades
    assert grades.c == pakistan.TO_CUSTODIAN + pakistan.BOUGHT_AT_CUSTODIAN
    assert grades.b == grades.d == 0


def test_a_court_turns_seized_coins_into_forfeited_ones(played):
    told = played.published("pakistan", LAST - 1)
    lanes = {lane.lane: lane for lane in told.perimeters["public-sector"].lanes}
    assert lanes["seized"].opening == sum(pakistan.SEIZED)
    assert lanes["seized"].closing == 0
    assert lanes["forfeited"].closing == sum(pakistan.SEIZED)
    changes = told.perimeters["strategic-reserve"].figures.perimeter_change
    assert changes == sum(pakistan.SEIZED)
    assert {entry.kind.value for entry in told.book} == {"reclassification", "perimeter_change"}


@pytest.mark.parametrize("office", [*STATES, "drill-office"])
def test_every_paper_has_the_hash_that_the_table_says(played, office):
    folder = played.directory / office
    rows = 0
    for table, name in (
        ("documents.csv", "id"), ("attestations.csv", "document"), ("liabilities.csv", "document"),
    ):  # fmt: skip
        if not (folder / table).exists():
            continue
        with (folder / table).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                papers = folder / "documents"
                # An order that was paid in parts is one paper for several rows.
                parts = f"{row[name].rpartition('-')[0]}.json"
                names = (f"{row[name]}.txt", f"{row[name]}.json", parts)
                paper = next(
                    papers / each for each in names if (papers / each).exists()
                ).read_bytes()
                assert hashlib.sha256(paper).hexdigest() == row["file_sha256"]
                assert TEST_NOTICE.encode() in paper
                rows += 1
    assert rows > 2


def test_no_coin_of_the_chain_was_spent_twice(played):
    spent = [
        OutPoint(posting.outpoint.txid, posting.outpoint.vout)
        for period in range(1, LAST + 1)
        for entry in played.published("el-salvador", period).entries
        for posting in entry.spent
    ]
    assert len(spent) == len(set(spent)) > 50


@pytest.mark.parametrize("office", [*STATES, "drill-office"])
def test_everything_with_a_name_has_it_in_four_languages(played, office):
    told = played.statement(f"{office}/statement.json")
    named = [told.header.office, *told.entities.values(), *told.wallets.values()]
    named += [*told.accounts.values(), *told.perimeters.values()]
    for each in named:
        assert set(each.name) == {"en", "ur", "ar", "es"}
        assert all(text.strip() for text in each.name.values())


def test_no_name_is_left_in_english():
    found = {key: value for key, value in vars(names).items() if key.isupper()}
    assert len(found) > 25
    for key, name in found.items():
        assert len(set(name.values())) == 4, key
        assert any("\u0600" <= letter <= "\u06ff" for letter in name["ur"]), key
        assert any("\u0600" <= letter <= "\u06ff" for letter in name["ar"]), key


@pytest.mark.parametrize("days", [*range(FEWEST_DAYS, FEWEST_DAYS + 40), 365, 730, MOST_DAYS])
def test_the_story_is_in_order_however_long_it_is(days):
    timeline = Timeline(days, ENDS)
    last = timeline.periods
    assert timeline.close(0) == OPENING
    assert timeline.close(last) == timeline.last_close == days - CLOSING_DEPTH + 1
    assert timeline.signing(last) == days
    for period in range(1, last + 1):
        assert timeline.close(period - 1) + CLOSING_DEPTH <= timeline.within(period, 0)
        assert timeline.within(period, 0) < timeline.within(period, 100) < timeline.close(period)
    assert 1 < timeline.corrected <= timeline.approved < last - 1
    assert timeline.signing(timeline.corrected) < timeline.correction
    assert timeline.correction < timeline.close(timeline.corrected + 1)
    split, recovery = timeline.on(33), timeline.within(last, 90)
    assert recovery - split >= 28  # what the recovery devices have to wait for
