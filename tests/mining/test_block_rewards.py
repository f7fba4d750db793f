"""What real blocks paid: read from their coinbases, laid to months by the median time past."""

from fractions import Fraction

import msgspec
import pytest

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction
from khazana.bitcoin.coinbases import CoinbasesNotGiven, coinbases_of
from khazana.bitcoin.network import MAINNET
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import COINBASE_VOUT, NULL_TXID, OutPoint, Transaction, TxIn, TxOut
from khazana.cli.mining_parts import filled, rewards_from, series_for
from khazana.mining.block_rewards import NoBlocksOfTheMonth, rewards_of
from khazana.mining.chain_series import series_of_chain
from khazana.mining.checks import mining_findings
from khazana.mining.difficulty import FeeShare
from khazana.mining.rewards import expected_in_time, expected_with_rewards
from khazana.mining.sites_file import SITES_FORMAT, read_sites
from khazana.units import BlockHash, Height, Sats

SPACING_S = 600
BITS = 0x1D00FFFF
SUBSIDY = 5_000_000_000


class Paying:
    """A chain with a block every ten minutes, and fees of 1 % in even blocks, none in odd ones."""

    network = MAINNET
    basis = "made"

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks

    def tip(self):
        return self.block_at(Height(self.blocks))

    def block_at(self, height):
        return BlockRef(Height(height), BlockHash(f"{height:064x}"))

    def headers(self, first, last):
        return [
            Header(2, BlockHash("00" * 32), bytes(32), n * SPACING_S, BITS, n)
            for n in range(first, last.height + 1)
        ]


class Telling(Paying):
    """The same, and it says what its blocks paid."""

    def coinbases(self, first, last):
        return [self._coinbase(n) for n in range(first, last.height + 1)]

    def _coinbase(self, height):
        spent = TxIn(OutPoint(NULL_TXID, COINBASE_VOUT), height.to_bytes(4, "little"), 0xFFFFFFFF)
        reward = SUBSIDY if height % 2 else SUBSIDY + SUBSIDY // 100
        paid = (TxOut(Sats(reward), b"\x51"), TxOut(Sats(0), b"\x6a"))
        return ConfirmedTransaction(Transaction(2, (spent,), paid, 0), self.block_at(height), 0, ())


def test_a_month_holds_the_blocks_whose_median_time_past_lies_in_it():
    # The median of eleven times lies five blocks, 3,000 seconds, back.
    rewards = rewards_of(Telling(1000), first=60_000, until=120_000)
    assert (rewards.body.first, rewards.body.last) == (105, 204)
    assert rewards.body.subsidy_sat == 100 * SUBSIDY
    assert rewards.body.reward_sat == 100 * SUBSIDY + 50 * SUBSIDY // 100
    assert rewards.mean(BITS, Sats(SUBSIDY)) == SUBSIDY * Fraction(1005, 1000)


def test_a_stretch_without_a_block_of_its_own_has_the_fees_of_the_month():
    rewards = rewards_of(Telling(1000), first=60_000, until=120_000)
    assert rewards.mean(BITS - 1, Sats(2_500_000_000)) == 2_500_000_000 * Fraction(1005, 1000)


def test_months_share_no_block_and_leave_none_out():
    chain = Telling(1000)
    one = rewards_of(chain, first=60_000, until=120_000)
    two = rewards_of(chain, first=120_000, until=180_000)
    assert two.body.first == one.body.last + 1


def test_the_expectation_with_real_rewards_is_that_of_the_same_share_of_fees():
    chain = Telling(5000)
    rewards = rewards_of(chain, first=600_000, until=1_500_000)
    series = series_of_chain(chain, first=600_000, until=1_500_000)
    given = {"hashes": Fraction(10**18), "first": 600_000, "until": 1_500_000}
    real = expected_with_rewards(series, rewards=rewards.mean, **given)
    share = Fraction(rewards.body.reward_sat, rewards.body.subsidy_sat) - 1
    entered = expected_in_time(series, fees=FeeShare(share, "the same blocks"), **given)
    assert real == entered


def test_a_month_that_the_chain_has_not_passed_is_refused():
    for until in (600_000, 700_000):
        with pytest.raises(NoBlocksOfTheMonth):
            rewards_of(Telling(1000), first=500_000, until=until)
    with pytest.raises(NoBlocksOfTheMonth, match="0 blocks lie between"):
        rewards_of(Telling(1000), first=60_001, until=60_600)


def test_a_source_that_does_not_show_coinbases_says_so():
    with pytest.raises(CoinbasesNotGiven, match="ask a node of your own"):
        rewards_of(Paying(1000), first=60_000, until=120_000)


def test_the_simulated_chain_gives_its_coinbases_with_their_branches():
    chain = SimulatedChain()
    chain.add_blocks(3)
    found = coinbases_of(chain, Height(1), chain.tip())
    assert [c.block.height for c in found] == [1, 2, 3]
    assert all(c.transaction.is_coinbase and c.position == 0 for c in found)


def real(**fields):
    """A site on the chain above whose expectation takes what its blocks paid."""
    month = {
        "month": "1970-01",
        "first": "1970-01-08T00:00:00Z",
        "until": "1970-01-20T00:00:00Z",
        "meters": ["m"],
        "low_wh": 10**6,
        "high_wh": 10**6,
        "payout": "fpps",
        "luck_percent": "0.2",
        "arrivals": [],
    }
    site = {
        "site": "site-1",
        "name": "Site 1",
        "accounts": ["mine"],
        "simulated": False,
        "difficulty": {"shift_s": 0, "divisor": 1},
        "rewards": "blocks",
        "fees": {"value": "0", "source": "not used"},
        "j_per_th": {"value": "17.5", "source": "test"},
        "pue": {"value": "1", "source": "test"},
        "budget": [],
        "months": [month],
    } | fields
    (body,) = read_sites("m", msgspec.json.encode({"format": SITES_FORMAT, "sites": [site]}))
    return body


def found(bodies, chain):
    return [
        (finding.rule, finding.text)
        for finding in mining_findings(
            bodies,
            postings=(),
            accounts=["mine"],
            test=False,
            series_for=lambda body: series_for(chain, body),
            rewards_for=rewards_from(chain),
        )
    ]


def test_a_statement_takes_real_rewards_and_a_reader_takes_them_again():
    chain = Telling(5000)
    (filled_in,) = filled([real()], chain)
    (month,) = filled_in.months
    assert (month.blocks.first, month.blocks.last) == (1013, 2740)
    assert Fraction(month.blocks.reward_sat, month.blocks.subsidy_sat) == Fraction(1005, 1000)
    assert month.expected_sat > 0
    # No machine of 1970 is known; there is no year before Bitcoin's first either.
    assert (month.best_j_per_th, month.questioned) == (None, False)
    assert [text for rule, text in found([filled_in], chain) if "blocks" in text] == []


def test_rewards_that_the_blocks_did_not_pay_are_named():
    chain = Telling(5000)
    (filled_in,) = filled([real()], chain)
    less = msgspec.structs.replace(filled_in.months[0].blocks, reward_sat=1)
    lied = msgspec.structs.replace(
        filled_in, months=[msgspec.structs.replace(filled_in.months[0], blocks=less)]
    )
    ((rule, text), *_) = found([lied], chain)
    assert rule == "E31"
    assert text.startswith("blocks is stated as BlocksBody(first=1013")


def test_a_reader_whose_source_shows_no_coinbases_cannot_check_real_rewards():
    (filled_in,) = filled([real()], Telling(5000))
    with pytest.raises(CoinbasesNotGiven):
        found([filled_in], Paying(5000))
    with pytest.raises(CoinbasesNotGiven):
        filled([real()], Paying(5000))


def test_a_month_is_read_once_for_all_sites():
    asked = []

    class Counting(Telling):
        def coinbases(self, first, last):
            asked.append(first)
            return super().coinbases(first, last)

    filled([real(), real(site="site-2", name="Site 2")], Counting(5000))
    assert len(asked) == 1
