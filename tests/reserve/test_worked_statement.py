"""The worked table of docs/methods/statements.md, played on a simulated chain."""

import re
from decimal import Decimal
from pathlib import Path

from khazana.ledger.documents import Reason
from khazana.reserve.reading import typed
from khazana.units import sats_from_btc
from tests.reserve.simulator import BTC, OUTSIDER, World, script

PAGE = Path(__file__).resolve().parents[2] / "docs" / "methods" / "statements.md"
FEE = 500


def table() -> dict[str, tuple[int, int]]:
    """figure -> (fund, public) in satoshis."""
    text = PAGE.read_text("utf-8").partition("| figure | fund | public |")[2]
    found = re.findall(r"^\| ([a-z ]+) \| (-?[\d.]+) \| (-?[\d.]+) \|", text, flags=re.M)
    return {
        name: (sats_from_btc(Decimal(fund)), sats_from_btc(Decimal(public)))
        for name, fund, public in found
    }


def played() -> World:
    world = World()
    world.wallet("fund", entity="office")
    world.wallet("treasury", entity="treasury")
    world.wallet("mining", entity="company")
    world.perimeter("fund", "fund")
    world.perimeter("public", "fund", "treasury", "mining")
    first = world.fund(script("fund"), 50 * BTC)
    world.fund(script("treasury"), 30 * BTC)
    world.mine()
    world.document("invoice-1", Reason.ACQUISITION, "fund", 50 * BTC, first)
    world.mine()
    bought = world.fund(script("fund"), 3 * BTC)
    world.mine()
    world.document("invoice-2", Reason.ACQUISITION, "fund", 3 * BTC, bought)
    world.spend(script("treasury"), [(script("fund"), 20 * BTC)], fee=FEE)
    world.mine(coinbase=[(script("mining"), 25 * BTC)])
    mined = world.chain.blocks[-1].transactions[0].txid
    world.document("pool-1", Reason.MINED, "mining", 25 * BTC, mined)
    paid = world.spend(script("fund"), [(OUTSIDER, 2 * BTC)], fee=FEE)
    world.fund(script("treasury"), BTC // 2)
    world.mine()
    world.document("order-1", Reason.DISBURSEMENT, "fund", 2 * BTC, paid)
    return world


def test_the_figures_of_the_worked_table():
    world = played()
    after, until = world.chain.block_at(2), world.chain.tip()
    world.mine(6)
    statement = typed(world.made(after, until).statement)
    figures = [statement.perimeters[name].figures for name in ("fund", "public")]
    expected = table()
    assert len(expected) == 12
    for name, amounts in expected.items():
        for figure, amount in zip(figures, amounts, strict=True):
            reasons = {r.reason: r.amount for r in figure.reasons}
            if name.startswith("reason "):
                assert reasons.get(name.removeprefix("reason "), 0) == amount, name
            elif name == "closing before fees":
                assert figure.closing + figure.fee == amount
            else:
                assert getattr(figure, name) == amount, name
    assert [figure.fee for figure in figures] == [FEE, 2 * FEE]
