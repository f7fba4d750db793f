"""Two offices on one chain: what stands in both statements is counted twice, and is found."""

from dataclasses import dataclass, replace
from functools import cache

import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import REGTEST
from khazana.ledger.counted import Counted
from khazana.reserve.checks_beside import coins_held_at
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import ReserveStatement, read_reserve_statement, typed
from khazana.statement.checks import Profile, Report, Verdict
from khazana.statement.envelope import disclose
from khazana.statement.table import report_table
from khazana.units import Txid
from tests.reserve.simulator import BTC, OUTSIDER, Parts, World, rerooted, script


@dataclass(frozen=True)
class Pair:
    """Two offices. The first sold a coin to the second; `sold` closes before, `bought` after."""

    ours: World
    theirs: World
    start: BlockRef
    middle: BlockRef
    end: BlockRef
    handed: Txid

    def statement(
        self, world: World, after: BlockRef | None = None, until: BlockRef | None = None
    ) -> ReserveStatement:
        made = world.made(after or self.start, until or self.end)
        return typed(made.statement)


@cache
def pair() -> Pair:
    ours = World("first")
    theirs = World("second", chain=ours.chain)
    ours.wallet("vault", entity="treasury")
    theirs.wallet("strongbox", entity="bank")
    for world in (ours, theirs):
        world.perimeter("all", *(wallet.id for wallet in world.wallets))
    start = ours.mine(2)
    ours.fund(script("vault"), 50 * BTC)
    ours.fund(script("vault", 1), 7 * BTC)
    ours.fund(script("strongbox"), 9 * BTC)
    ours.mine()
    middle = ours.mine(8)
    handed = ours.spend(script("vault", 1), [(script("strongbox", 1), 7 * BTC - 500)])
    ours.mine()
    ours.spend(script("vault"), [(OUTSIDER, BTC)])
    end = ours.mine(2)
    ours.mine(8)
    return Pair(ours, theirs, start, middle, end, handed)


def checked(
    *others: ReserveStatement, ours: ReserveStatement | None = None, level: str = "full"
) -> Report:
    statement = ours or pair().statement(pair().ours)
    raw = pair().ours.signed(disclose(statement.envelope, keep_at(level)))
    return pair().ours.check(raw, profile=Profile.ADDRESSES, beside=others)


def result(report: Report) -> tuple[Verdict, str]:
    found = report.result("beside")
    return found.verdict, "; ".join([found.summary, *(f.text for f in found.findings)])


def with_coin(statement: ReserveStatement, wallet: str, coin: dict) -> ReserveStatement:
    """The other office claims one more coin, and re-roots its statement."""

    def claim(parts: Parts) -> None:
        parts[f"coins/{wallet}"]["closing"].append(coin)

    return typed(rerooted(statement.envelope, claim))


def our_coin(statement: ReserveStatement) -> dict:
    name = "coins/vault"
    return dict(next(p for p in statement.envelope.parts if p.name == name).body["closing"][0])


def test_two_offices_that_hold_different_coins_pass():
    report = checked(pair().statement(pair().theirs))
    verdict, words = result(report)
    assert verdict is Verdict.PASSED, words
    assert f"compared with second at block {pair().end.height}" in words
    assert report.exit_status == 0
    assert any("read, not verified" in limit for limit in report.limits)


def test_without_another_statement_it_is_not_checkable_and_not_required():
    report = checked()
    verdict, words = result(report)
    assert verdict is Verdict.NOT_CHECKABLE
    assert "--beside FILE" in words
    assert report.exit_status == 0


def test_a_coin_that_both_count_at_their_closing_fails_and_is_named():
    coin = our_coin(pair().statement(pair().ours))
    other = with_coin(pair().statement(pair().theirs), "strongbox", coin)
    report = checked(other)
    verdict, words = result(report)
    assert verdict is Verdict.FAILED
    assert coin["outpoint"] in words
    assert "second (wallet strongbox)" in words
    assert report.failed == ("beside",)
    assert coin["outpoint"] in report_table(report)


def test_a_coin_that_both_count_is_found_although_they_close_at_different_blocks():
    """The other office closes earlier: what we held then follows from our entries."""
    ours = pair().statement(pair().ours)
    held = coins_held_at(ours, pair().middle.height)
    spent_since = set(held) - {c.outpoint for c in ours.coins["vault"].closing}
    assert len(spent_since) == 2
    outpoint = min(spent_since)
    claimed = {**our_coin(ours), "outpoint": outpoint}
    claimed["block"] = {"height": pair().middle.height, "hash": pair().middle.hash}
    other = pair().statement(pair().theirs, until=pair().middle)
    other = with_coin(other, "strongbox", claimed)
    verdict, words = result(checked(other))
    assert verdict is Verdict.FAILED
    assert outpoint in words
    assert f"at block {pair().middle.height}" in words


def test_a_coin_that_was_sold_between_the_closings_is_no_double_count():
    other = pair().statement(pair().theirs, after=pair().middle)
    ours = pair().statement(pair().ours, until=pair().middle)
    verdict, words = result(checked(other, ours=ours))
    assert verdict is Verdict.PASSED, words
    later = pair().statement(pair().theirs)
    assert f"{pair().handed}:0" in {c.outpoint for c in later.coins["strongbox"].closing}
    assert result(checked(later, ours=ours))[0] is Verdict.PASSED
    assert result(checked(later))[0] is Verdict.PASSED


def test_that_coins_may_have_moved_between_two_closings_is_said():
    """Rule R20: lent from one to the other in between, each counts them at its own closing."""
    early = checked(pair().statement(pair().theirs, until=pair().middle))
    assert any("what moved from one office to the other" in limit for limit in early.limits)
    together = checked(pair().statement(pair().theirs))
    assert not any("what moved from one" in limit for limit in together.limits)


def test_a_script_that_both_declare_fails_even_without_a_coin():
    theirs = replace(pair().theirs, wallets=list(pair().theirs.wallets), perimeters=[])
    theirs.wallets[0] = replace(
        theirs.wallets[0], scripts=(script("strongbox"), script("vault", 1))
    )
    theirs.perimeter("all", "strongbox")
    other = typed(theirs.made(pair().middle, pair().end).statement)
    verdict, words = result(checked(other))
    assert verdict is Verdict.FAILED
    assert script("vault", 1).hex() in words
    assert "is declared by second too, in strongbox" in words


def test_without_entries_what_is_not_seen_is_said():
    other = pair().statement(pair().theirs, until=pair().middle)
    report = checked(other, level="addresses")
    assert result(report)[0] is Verdict.PASSED
    assert any(f"first held at block {pair().middle.height}" in limit for limit in report.limits)


@pytest.mark.parametrize("which", ["ours", "theirs"])
def test_totals_show_no_coins_to_compare(which):
    theirs = pair().statement(pair().theirs)
    if which == "theirs":
        shown = typed(disclose(theirs.envelope, keep_at("totals")))
        report = checked(shown)
    else:
        report = checked(theirs, level="totals")
    assert result(report)[0] is Verdict.NOT_CHECKABLE
    assert "coins" in result(report)[1]
    assert report.exit_status == 2


def test_statements_that_say_nothing_about_ours_are_named_and_not_passed():
    same = pair().statement(pair().ours)
    far = World("third", chain=pair().ours.chain)
    far.wallet("chest", entity="bank")
    far.perimeter("all", "chest")
    later = typed(far.made(pair().end, pair().ours.chain.block_at(pair().end.height + 2)).statement)
    early = pair().statement(pair().ours, until=pair().middle)
    broken = typed(replace(pair().statement(pair().theirs).envelope, root="ab" * 32))
    for ours, other, why in (
        (None, same, "same office"),
        (early, later, "neither overlaps this one nor meets it"),
        (None, broken, "do not give its root"),
    ):
        report = checked(other, ours=ours)
        verdict, words = result(report)
        assert verdict is Verdict.NOT_CHECKABLE
        assert why in words
        assert report.exit_status == 2


def test_a_statement_that_takes_the_name_of_this_office_does_not_pass_unseen():
    """Calling itself by our name is no way to have a coin counted twice."""
    coin = our_coin(pair().statement(pair().ours))

    def rename(parts: Parts) -> None:
        parts["coins/strongbox"]["closing"].append(coin)
        parts["header"]["office"]["id"] = "first"

    other = typed(rerooted(pair().statement(pair().theirs).envelope, rename))
    assert result(checked(other))[0] is Verdict.FAILED

    def unnamed(parts: Parts) -> None:
        rename(parts)
        parts["header"]["office"]["fingerprint"] = None

    other = typed(rerooted(pair().statement(pair().theirs).envelope, unnamed))
    assert result(checked(other))[0] is Verdict.NOT_CHECKABLE


def test_of_several_statements_each_is_compared():
    coin = our_coin(pair().statement(pair().ours))
    fine = pair().statement(pair().theirs)
    other = with_coin(fine, "strongbox", coin)
    verdict, words = result(
        checked(fine, read_reserve_statement(pair().theirs.signed(fine.envelope)), other)
    )
    assert verdict is Verdict.FAILED
    assert coin["outpoint"] in words


def provider(
    block: BlockRef, *, coin: str = f"{'ab' * 32}:0", declared: str = "51", **more: object
) -> Counted:
    """What a provider of virtual assets counts as its customers' at a block."""
    told = {
        "name": "exchange",
        "fingerprint": "ee" * 32,
        "root": "cd" * 32,
        "genesis": REGTEST.genesis,
        "block": block,
        "coins": {coin: "cold"},
        "scripts": {declared: "cold"},
        "withheld": False,
    } | more
    return Counted(**told)  # type: ignore[arg-type]


def test_a_provider_with_other_coins_passes():
    report = checked(provider(pair().end))
    verdict, words = result(report)
    assert verdict is Verdict.PASSED, words
    assert f"compared with exchange at block {pair().end.height}" in words


def test_a_coin_or_script_that_a_provider_counts_too_fails_and_is_named():
    coin = our_coin(pair().statement(pair().ours))["outpoint"]
    for other, said in (
        (provider(pair().end, coin=coin), f"coin {coin} is counted by exchange too (wallet cold)"),
        (provider(pair().end, declared=script("vault").hex()), "declared by exchange too"),
    ):
        report = checked(other)
        verdict, words = result(report)
        assert verdict is Verdict.FAILED
        assert said in words
        assert report.exit_status == 1


def test_a_coin_spent_later_counts_at_the_providers_own_block():
    """The first office sold this coin after the middle: only there both counted it."""
    ours = pair().statement(pair().ours)
    before, after = (coins_held_at(ours, b.height) for b in (pair().middle, pair().end))
    sold = min(before.keys() - after.keys())
    assert result(checked(provider(pair().middle, coin=sold)))[0] is Verdict.FAILED
    assert result(checked(provider(pair().end, coin=sold)))[0] is Verdict.PASSED


def test_a_provider_that_counts_outside_the_period_is_compared_with_its_end_and_the_limit_said():
    later = BlockRef(pair().end.height + 3, pair().end.hash)
    coin = our_coin(pair().statement(pair().ours))["outpoint"]
    report = checked(provider(later, coin=coin))
    assert result(report)[0] is Verdict.FAILED
    assert any("outside the period" in limit for limit in report.limits)


def test_a_provider_of_another_network_or_the_office_itself_is_not_comparable():
    for more, said in (
        ({"genesis": "00" * 32}, "about another network"),
        ({"fingerprint": pair().ours.identity.fingerprint}, "by the same publisher"),
    ):
        verdict, words = result(checked(provider(pair().end, **more)))
        assert verdict is Verdict.NOT_CHECKABLE
        assert said in words


def test_what_a_provider_withholds_is_said():
    report = checked(provider(pair().end, withheld=True))
    assert any("What exchange withholds was not compared" in limit for limit in report.limits)
