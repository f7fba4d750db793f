"""A statement in a few lines for people: what is held, what changed and why, on what evidence."""

from collections.abc import Iterator

from khazana.reserve.parts import FiguresBody
from khazana.reserve.reading import ReserveStatement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.table import printable
from khazana.units import Sats, btc_from_sats


def summary_lines(statement: ReserveStatement) -> Iterator[str]:
    """The heading, then each perimeter, entity and wallet with its account of the period.

    Names are the file's: what could move a cursor or turn a line around is escaped.
    """
    yield from map(printable, _lines(statement))


def _lines(statement: ReserveStatement) -> Iterator[str]:
    header = statement.header
    yield f"{header.office.name.get('en', header.office.id)} on {header.network.name}"
    if header.test:
        yield TEST_NOTICE
    if header.office.notice:
        yield header.office.notice
    period = header.period
    yield (
        f"after block {period.after.height} ({period.after_mtp}) "
        f"up to block {period.until.height} ({period.until_mtp})"
    )
    for perimeter in statement.perimeters.values():
        yield ""
        yield from _account(
            f"perimeter {perimeter.name.get('en', perimeter.id)}", perimeter.figures
        )
        for lane in perimeter.lanes:
            if lane.opening or lane.closing:
                yield f"    of it {lane.lane.replace('_', ' ')}: {_btc(lane.closing)}"
    for entity in statement.entities.values():
        yield ""
        yield from _account(f"entity {entity.name.get('en', entity.id)}", entity.figures)
    for wallet in statement.wallets.values():
        yield ""
        yield from _account(f"wallet {wallet.name.get('en', wallet.id)}", wallet.figures)
    for account in statement.accounts.values():
        yield ""
        yield from _account(f"at {account.custodian}: {account.id}", account.figures)


def _account(title: str, figures: FiguresBody) -> Iterator[str]:
    """Opening, what moved it, closing; lines of nothing are left out."""
    yield title
    yield f"  opening           {_btc(figures.opening)}"
    for label, amount in (
        ("received", figures.inflow),
        ("mined", figures.coinbase),
        ("paid out", -figures.outflow),
        ("fees", -figures.fee),
        ("perimeter change", figures.perimeter_change),
        ("off the chain", figures.off_chain),
    ):
        if amount:
            yield f"  {label:17} {_btc(amount)}"
    for reason in figures.reasons:
        yield f"      {reason.reason.replace('_', ' '):18} {_btc(reason.amount)}"
    yield f"  closing           {_btc(figures.closing)}"
    graded = [
        f"{name} {_btc(amount).strip()}"
        for name, amount in zip(
            "ABCD",
            (figures.grades.a, figures.grades.b, figures.grades.c, figures.grades.d),
            strict=True,
        )
        if amount
    ]
    if graded:
        yield f"  evidence grades   {', '.join(graded)}"
    if figures.internal:
        yield f"  moved inside      {_btc(figures.internal)} (changes nothing)"
    if figures.immature:
        yield f"  of it immature    {_btc(figures.immature)}"
    if figures.corrections.closing:
        recognised = figures.closing + figures.corrections.closing
        yield f"  recognised        {_btc(recognised)} (after losses and restatements)"


def _btc(amount: int) -> str:
    return f"{btc_from_sats(Sats(amount)):>18} BTC"
