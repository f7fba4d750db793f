"""Restatements: what was known when a figure was certified, beside what is known today."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from khazana.bitcoin.chain import BlockRef
from khazana.conditions.evaluate import evaluate
from khazana.conditions.exact import amount_text
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.verdicts import Evaluated, Inputs

Moment = tuple[str, date | None, BlockRef | None]
"""What a verdict is about: a condition at the close of a day or at a block."""


@dataclass(frozen=True, slots=True)
class News:
    """Something that was not known when the figure was certified.

    what: statistic, liabilities, document or explanation. entered: None where no time is recorded.
    """

    what: str
    name: str
    entered: datetime | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Restatement:
    """A certified verdict with today's beside it; the certified one is never replaced (Rule K42).

    certified, today: None where the other moment had no such line. news: what came in between.
    """

    certified_at: datetime
    certified: Evaluated | None
    today: Evaluated | None
    news: tuple[News, ...]

    @property
    def verdict_changed(self) -> bool:
        """Whether the lender was told something that is not so today."""
        return (self.certified and self.certified.verdict) != (self.today and self.today.verdict)


def restatements(
    memorandum: Memorandum,
    *,
    certified: Sequence[Evaluated],
    certified_at: datetime,
    before: Inputs,
    now: Inputs,
) -> tuple[Restatement, ...]:
    """Every certified verdict that the same rules give otherwise today.

    certified: what was published. before: the inputs it was made from, as published with it.
    now: today's inputs. The memorandum is the one it was certified by.
    """
    today = {_moment(one): one for one in evaluate(memorandum, now)}
    then = {_moment(one): one for one in certified}
    news = tuple(what_came_in(before, now))
    found = []
    for moment in [*then, *(m for m in today if m not in then and _was_tested(m, before))]:
        was, is_now = then.get(moment), today.get(moment)
        if was is not None and is_now is None and moment[2] is not None:
            continue  # a block that a condensed account of today leaves out says nothing new
        if was != is_now:
            found.append(
                Restatement(certified_at=certified_at, certified=was, today=is_now, news=news)
            )
    return tuple(found)


def as_certified(memorandum: Memorandum, inputs: Inputs, at: datetime) -> tuple[Evaluated, ...]:
    """What an evaluation at that moment must have said: entered figures as they were known then.

    The books are taken as given: hand in those that the documents of that moment make.
    """
    then = Inputs(
        books=inputs.books,
        perimeters=inputs.perimeters,
        custody=inputs.custody,
        figures=inputs.figures.known_at(at),
        closings=inputs.closings,
        today=at.date(),
    )
    return evaluate(memorandum, then)


def what_came_in(before: Inputs, now: Inputs) -> Iterable[News]:
    """Figures, attestations and explanations that today's inputs have and the earlier ones lack."""
    old = set(before.figures.statistics)
    for statistic in now.figures.statistics:
        if statistic not in old:
            text = f"{amount_text(statistic.value)} {statistic.unit}, word of {statistic.source}"
            name = f"{statistic.quantity} on {statistic.day}"
            yield News("statistic", name, statistic.entered, text)
    known = set(before.figures.liabilities)
    for one in now.figures.liabilities:
        if one not in known:
            text = f"{one.amount} sat owed to clients at block {one.block.height}"
            yield News("liabilities", one.document, one.entered, text)
    if before.books is None or now.books is None:
        return
    for txid, lines in now.books.lines.items():
        earlier = list(before.books.lines.get(txid, ()))
        for line in lines:
            if line in earlier:
                earlier.remove(line)
                continue
            what = "document" if line.document else "explanation"
            text = f"{line.amount:+d} sat of {line.wallet} in {txid} is {line.reason}"
            yield News(what, line.document or line.reason, None, text)


def _moment(one: Evaluated) -> Moment:
    return one.condition, one.day, one.block


def _was_tested(moment: Moment, before: Inputs) -> bool:
    """Whether the certificate could have had a line about it: days that were past."""
    return moment[1] is not None and moment[1] <= before.today
