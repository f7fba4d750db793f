"""Announcements and the samples that follow: what is refused, and what everybody draws alike."""

import msgspec
import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.auditing.announcement import (
    AnnouncementRefused,
    NotYetDrawn,
    announce,
    drawing_block,
    read_announcement,
    read_sample,
    sample_by,
    write_announcement,
    write_sample,
)
from khazana.reserve.auditing.population import (
    KINDS,
    Item,
    Population,
    PopulationRefused,
    population_of,
    read_population,
    write_population,
)
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import read_reserve_statement, typed
from khazana.statement.envelope import disclose
from khazana.units import BlockHash, Height
from tests.reserve.simulator import BTC, NOW
from tests.reserve.world import story

STATEMENT = read_reserve_statement(story().second)


def announced(kind="postings", *, size=3, height=None, tip=None, method="monetary-unit", depth=6):
    tip = story().end if tip is None else tip
    return announce(
        STATEMENT, population_of(STATEMENT, kind), method=method, size=size, min_depth=depth,
        height=tip.height + 1 if height is None else height, tip=tip, by="anna", at=NOW,
    )  # fmt: skip


def test_movements_weigh_the_larger_side_and_coins_their_amount():
    told = story()
    movements = {item.id: item.sats for item in population_of(STATEMENT, "movements").items}
    assert movements[told.purchase] == 3 * BTC
    assert movements[told.unexplained] == 12_345
    coins = population_of(STATEMENT, "coins")
    held = sum(coin.amount for body in STATEMENT.coins.values() for coin in body.closing)
    assert coins.total == held > 0


def test_postings_are_every_coin_spent_and_received():
    population = population_of(STATEMENT, "postings")
    assert population.total == sum(
        posting.amount
        for entry in STATEMENT.bodies["entry"]
        for posting in (*entry.spent, *entry.received)
    )
    assert {item.id.split()[0] for item in population.items} == {"spent", "received"}


def test_documents_weigh_what_they_explain():
    weights = {item.id: item.sats for item in population_of(STATEMENT, "documents").items}
    assert weights["invoice-2"] == 3 * BTC
    assert weights["order-1"] >= 2 * BTC


@pytest.mark.parametrize("kind", KINDS)
def test_a_population_reads_back_and_withheld_parts_have_none(kind):
    population = population_of(STATEMENT, kind)
    assert read_population(write_population(population)) == population
    hidden = typed(disclose(STATEMENT.envelope, keep_at("totals")))
    with pytest.raises(PopulationRefused, match="withheld"):
        population_of(hidden, kind)


def test_an_announcement_reads_back_in_one_spelling_alone():
    made = announced()
    raw = write_announcement(made)
    assert read_announcement(raw) == made
    with pytest.raises(AnnouncementRefused, match="canonical"):
        read_announcement(raw.rstrip())
    document = parse_strict(raw)
    with pytest.raises(AnnouncementRefused, match="unknown field"):
        read_announcement(canonical_bytes({**document, "more": 1}) + b"\n")


@pytest.mark.parametrize("behind", [0, 1, 50])
def test_a_block_that_exists_already_draws_nothing(behind):
    with pytest.raises(AnnouncementRefused, match="a hash that is known draws nothing"):
        announced(height=story().end.height - behind)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"size": 0}, "size"), ({"size": 10_001}, "size"), ({"depth": 5}, "min_depth"),
        ({"method": "picked"}, "method"), ({"size": 500, "method": "simple-random"}, "drawn from"),
        ({"height": 10**6}, "10000 blocks after"),
    ],
)  # fmt: skip
def test_what_cannot_be_announced_is_refused_with_its_reason(changes, problem):
    with pytest.raises(AnnouncementRefused, match=problem):
        announced(**changes)


def test_an_announcement_of_nothing_is_refused():
    empty = Population(root=STATEMENT.root, kind="coins", items=[])
    with pytest.raises(AnnouncementRefused, match="has no coins"):
        announce(STATEMENT, empty, method="simple-random", size=1, height=500, tip=story().end,
                 by="anna", at=NOW)  # fmt: skip


def test_the_sample_waits_until_its_block_is_buried_and_is_then_the_same_for_everybody():
    chain, end = story().world.chain, story().end
    assert chain.tip().height == end.height + 5
    with pytest.raises(NotYetDrawn, match="6 deep"):
        drawing_block(announced(height=end.height + 1), chain)
    tip = BlockRef(Height(end.height - 1), BlockHash(story().middle.hash))
    made = announced(height=end.height, tip=tip)
    block = drawing_block(made, chain)
    assert block == end
    first = sample_by(made, population_of(STATEMENT, "postings"), block)
    again = sample_by(read_announcement(write_announcement(made)),
                      population_of(STATEMENT, "postings"), block)  # fmt: skip
    assert first == again == read_sample(write_sample(first))
    assert sum(item.hits for item in first.items) == 3


def test_another_block_draws_another_sample():
    made = announced(size=1, method="simple-random")
    population = population_of(STATEMENT, "postings")
    drawn = {
        sample_by(made, population, BlockRef(Height(made.height), BlockHash(f"{n:064x}")))
        .items[0]
        .id
        for n in range(60)
    }
    assert len(drawn) > 5
    with pytest.raises(AnnouncementRefused, match="draws, not"):
        sample_by(made, population, BlockRef(Height(made.height + 1), BlockHash("00" * 32)))


def test_a_population_that_changed_draws_nothing():
    made = announced()
    population = population_of(STATEMENT, "postings")
    fewer = msgspec.structs.replace(population, items=population.items[1:])
    block = BlockRef(Height(made.height), BlockHash("00" * 32))
    with pytest.raises(AnnouncementRefused, match="it changed, and nothing is drawn"):
        sample_by(made, fewer, block)
    heavier = [Item(id=each.id, sats=each.sats + 1) for each in population.items]
    with pytest.raises(AnnouncementRefused, match="it changed"):
        sample_by(made, msgspec.structs.replace(population, items=heavier), block)
    with pytest.raises(AnnouncementRefused, match="it changed"):
        sample_by(made, msgspec.structs.replace(population, root="00" * 32), block)


def test_another_network_draws_nothing():
    document = parse_strict(write_announcement(announced()))
    document["network"] = {"name": "other", "genesis": "00" * 32}
    with pytest.raises(AnnouncementRefused, match="it is for other"):
        drawing_block(read_announcement(canonical_bytes(document) + b"\n"), story().world.chain)
