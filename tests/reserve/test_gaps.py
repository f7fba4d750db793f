"""Descriptor gaps: a used index within the gap means that the stated range is too short."""

from dataclasses import replace

from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.ledger.office import BranchRange, DescriptorSource
from khazana.reserve.gaps import used_in_gap
from khazana.reserve.gather import gather_period
from khazana.reserve.make import make
from tests.reserve.simulator import BTC, SEED, World, rerooted, verdicts

KEY = (
    "tpubDDyfHdkMepL1qMjuTXFNXREXwjM2h3YadCb6YDodKnGpvgfzjFg5btwBnmBWahfZioGQy1AAvx6aHXfi1uFEdyJgAfs"
    "3G6VDjiCxmLwHKRe"
)
SOURCE = DescriptorSource(f"wpkh({KEY}/<0;1>/*)", (BranchRange(0, 6), BranchRange(1, 4)), 2)


def world() -> tuple[World, list[bytes]]:
    descriptor = parse_descriptor(SOURCE.descriptor, REGTEST)
    scripts = [
        script
        for part in SOURCE.branches
        for script in best_engine().derive(descriptor, branch=part.branch, start=0, stop=part.stop)
    ]
    told = World()
    told.wallet("fund", entity="office")
    told.wallets[0] = replace(told.wallets[0], scripts=tuple(scripts))
    told.perimeter("all", "fund")
    return told, scripts


def checked(told: World):
    start = told.chain.block_at(0)
    until = told.chain.tip()
    told.mine(6)
    office = replace(told.office(), sources={"fund": SOURCE})
    facts = gather_period(told.chain, set(office.wallets[0].scripts), after=start, until=until)
    made = make(office, facts, salt_seed=SEED, fingerprint=told.identity.fingerprint, previous=None)
    return made, told.check(told.signed(made.statement))


def test_indexes_below_the_gap_may_be_used():
    told, scripts = world()
    told.fund(scripts[3], BTC)
    told.fund(scripts[7], BTC)
    told.mine()
    made, report = checked(told)
    assert made.findings == ()
    assert report.failed == ()


def test_an_index_within_the_gap_is_a_finding_for_the_maker_and_for_the_reader():
    told, scripts = world()
    told.fund(scripts[4], BTC)
    told.mine()
    made, report = checked(told)
    assert [finding.rule for finding in made.findings] == ["R3"]
    assert "index 4 of branch 0" in made.findings[0].text
    assert report.failed == ("completeness",)
    assert verdicts(report)["scripts"] == "passed"


def test_the_gap_of_each_branch_is_its_own():
    _, scripts = world()
    found = list(used_in_gap("fund", SOURCE, scripts, {scripts[5], scripts[8]}))
    assert [finding.text[:21] for finding in found] == [
        "index 5 of branch 0 i",
        "index 2 of branch 1 i",
    ]


def test_a_descriptor_that_gives_other_scripts_than_those_listed_is_found():
    told, scripts = world()
    told.fund(scripts[0], BTC)
    told.mine()
    made, _ = checked(told)

    def swap(parts):
        listed = parts["scripts/fund"]["scripts"]
        listed[0], listed[1] = listed[1], listed[0]

    report = told.check(told.signed(rerooted(made.statement, swap)))
    assert report.failed == ("scripts",)
