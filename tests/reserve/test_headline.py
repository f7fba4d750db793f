"""Which sets a first page speaks of."""

from khazana.reserve.headline import net_change, received_gross, watched_set, widest_set
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.two_bars import two_bars
from tests.reserve.world import story


def test_the_widest_perimeter_stands_for_everything():
    statement = read_reserve_statement(story().second)
    assert widest_set(statement) == "perimeter/public-sector"


def test_the_watched_set_is_the_one_that_received_most():
    statement = read_reserve_statement(story().second)
    watched = watched_set(statement, "perimeter/public-sector")
    gross = {
        f"wallet/{body.id}": received_gross(body.figures) for body in statement.wallets.values()
    }
    gross["perimeter/fund-only"] = received_gross(statement.perimeters["fund-only"].figures)
    assert gross[watched] == max(gross.values())


def test_both_figures_are_those_of_the_two_bars():
    statement = read_reserve_statement(story().second)
    bars = two_bars(statement, watched="wallet/fund", stock="perimeter/public-sector")
    assert received_gross(statement.wallets["fund"].figures) == bars.gross
    assert net_change(statement.perimeters["public-sector"].figures) == bars.net
