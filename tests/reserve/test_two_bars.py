"""The gross inflow of one wallet and the net of the public sector, from one set of entries."""

from khazana.ledger.entries import OUTSIDE
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.two_bars import two_bars
from tests.reserve.simulator import BTC
from tests.reserve.world import story


def test_a_transfer_raises_the_watched_wallet_and_not_the_stock():
    statement = read_reserve_statement(story().second)
    height = next(e.block.height for e in statement.entries if e.txid == story().transfer)
    bars = two_bars(
        statement, watched="wallet/fund", stock="perimeter/public-sector", height=height
    )
    assert bars.gross == bars.from_inside == 20 * BTC
    assert bars.from_outside == 0
    mined = sum(
        posting.amount
        for entry in statement.entries
        if entry.coinbase and entry.block.height == height
        for posting in entry.received
    )
    fee = next(e.fee for e in statement.entries if e.txid == story().transfer)
    assert bars.net == mined - fee


def test_over_the_period_the_bars_agree_with_the_stated_figures():
    statement = read_reserve_statement(story().second)
    bars = two_bars(statement, watched="wallet/fund", stock="perimeter/public-sector")
    fund = statement.wallets["fund"].figures
    stock = statement.perimeters["public-sector"].figures
    assert bars.gross == fund.inflow + fund.coinbase
    assert bars.net == stock.inflow + stock.coinbase - stock.outflow - stock.fee
    assert bars.gross == sum(arrival.amount for arrival in bars.arrivals)


def test_each_arrival_says_where_it_came_from_and_why():
    statement = read_reserve_statement(story().second)
    bars = two_bars(statement, watched="wallet/fund", stock="perimeter/public-sector")
    by_txid = {arrival.txid: arrival for arrival in bars.arrivals}
    bought = by_txid[story().purchase]
    assert (bought.source, bought.amount, bought.from_inside) == (OUTSIDE, 3 * BTC, False)
    assert [line.reason for line in bought.lines] == ["acquisition"]
    moved = by_txid[story().transfer]
    assert (moved.source, moved.amount, moved.from_inside) == ("treasury", 20 * BTC, True)
