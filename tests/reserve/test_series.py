"""What sets held block by block, over the story that the tests of statements share."""

import pytest

from khazana.reserve.case import PartsWithheld
from khazana.reserve.levels import keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.series import balance_series
from khazana.reserve.sets import sets_of
from khazana.statement.envelope import disclose, write_statement
from tests.reserve.world import story


@pytest.mark.parametrize("which", ["first", "second"])
def test_every_series_goes_from_the_opening_figure_to_the_closing_figure(which):
    statement = read_reserve_statement(getattr(story(), which))
    series = dict(balance_series(statement))
    stated = {part: figures for part, figures, _ in sets_of(statement)}
    assert series.keys() == stated.keys()
    for part, points in series.items():
        assert points[0].block.height == statement.header.period.after.height
        assert points[0].amount == stated[part].opening, part
        assert points[-1].amount == stated[part].closing, part


def test_the_public_sector_does_not_move_when_its_wallets_pay_one_another():
    statement = read_reserve_statement(story().second)
    height = next(e.block.height for e in statement.entries if e.txid == story().transfer)
    fund = dict(balance_series(statement))["wallet/fund"]
    assert any(point.block.height == height for point in fund)


def test_a_disclosure_without_movements_has_no_series():
    statement = read_reserve_statement(story().second)
    shown = write_statement(disclose(statement.envelope, keep_at("totals")))
    with pytest.raises(PartsWithheld):
        list(balance_series(read_reserve_statement(shown)))
