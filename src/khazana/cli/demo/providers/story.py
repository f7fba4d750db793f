"""What the providers do, day by day: deposits, snapshots at blocks nobody chose, statements."""

from dataclasses import dataclass, field
from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.cli.demo import directory as lies
from khazana.cli.demo.chronicle import PUBLICATION
from khazana.cli.demo.people import People
from khazana.cli.demo.providers.cast import EVERYBODY
from khazana.cli.demo.providers.epochs import (
    COVERAGE,
    Ask,
    Published,
    countersign,
    public_files,
    publish_epoch,
    write_slips,
)
from khazana.cli.demo.providers.provider import EPOCHS, Provider
from khazana.cli.demo.providers.regulator import Regulator
from khazana.cli.demo.stage import Stage
from khazana.cli.demo.timeline import CLOSING_DEPTH
from khazana.cli.files import write_whole
from khazana.statement.envelope import disclose, write_statement
from khazana.statement.identity import Office
from khazana.supervision.coverage.reading import read_coverage
from khazana.supervision.coverage.snapshot import Draw

WINDOW = 4
"""Blocks among which a snapshot is drawn."""
SLIPS = (1, 2)
"""Customers who are given slips."""
LIE_PERCENT = 84
"""Of what it owes, what the Drill Exchange's newest statement owns up to: a little less than it
keeps, so that it looks covered."""
REGULATOR = "regulator.json"


@dataclass
class Playing:
    """A provider and what it published so far."""

    provider: Provider
    identity: Office | None = None
    epochs: list[Published] = field(default_factory=list)


class Providers:
    """The three providers. Each has an epoch in each of the last periods."""

    def __init__(self, stage: Stage, people: People) -> None:
        self.stage = stage
        self.playing = [Playing(Provider(licensed, stage, people)) for licensed in EVERYBODY]
        within, first = stage.timeline.within, stage.timeline.periods - EPOCHS + 1
        self._deposits = {within(first + n, 15): n + 1 for n in range(EPOCHS)}
        self._draws = [Draw(announced=within(first + n, 70), window=WINDOW) for n in range(EPOCHS)]
        # Announced by the last epoch of the story: a draw that its chain never reaches.
        apart = self._draws[-1].announced - self._draws[-2].announced
        self._draws.append(Draw(announced=self._draws[-1].announced + apart, window=WINDOW))

    def act(self, day: int) -> None:
        """What customers do before the block of a day is found."""
        epoch = self._deposits.get(day)
        if epoch is None:
            return
        for each in self.playing:
            if epoch == 1:
                each.provider.open(day)
            each.provider.take_deposits(day, epoch=epoch)

    def publish(self, day: int, chain: ChainView, directory: Path) -> list[str]:
        """What the providers publish when the block of a day has been found; lines to say."""
        for number, draw in enumerate(self._draws[:EPOCHS], start=1):
            # Wherever the draw fell, the block is deep enough by then.
            if day == draw.announced + CLOSING_DEPTH - 2:
                for each in self.playing:
                    self._publish(each, chain, directory, day=day, number=number)
                return [f"the providers' epoch {number} is published"]
        return []

    def _publish(
        self, each: Playing, chain: ChainView, directory: Path, *, day: int, number: int
    ) -> None:
        timeline, licensed = self.stage.timeline, each.provider.licensed
        folder, regulator = directory / lies.PROVIDERS / licensed.slug, Regulator(licensed.state)
        opened = timeline.instant(min(self._deposits))
        if each.identity is None:
            each.identity = each.provider.found(folder, at=opened)
        lying = licensed.state == lies.DRILL and number == EPOCHS
        ask = Ask(
            number=number,
            at=timeline.instant(day),
            draw=self._draws[number - 1],
            next_draw=self._draws[number],
            before=each.epochs[-1] if each.epochs else None,
            told_percent=LIE_PERCENT if lying else 100,
        )
        published = publish_epoch(each.provider, each.identity, folder, chain, ask)
        each.epochs.append(published)
        write_slips(published, [published.held[n - 1].customer for n in SLIPS])
        if not lying:
            countersign(published, regulator)
        write_whole(folder / REGULATOR, regulator.identity(at=opened))
        _show(folder, published, home=directory / licensed.state)


def _public(path: Path) -> bytes:
    """A file as everybody sees it: descriptors, which show future addresses, are withheld."""
    raw = path.read_bytes()
    if path.name != COVERAGE:
        return raw
    envelope = read_coverage(raw).envelope
    return write_statement(disclose(envelope, lambda name: not name.startswith("descriptor/")))


def _show(folder: Path, published: Published, *, home: Path) -> None:
    """What everybody is given goes into the state's publication, whose index is touched last."""
    shown = home / lies.PROVIDERS
    write_whole(shown / REGULATOR, (folder / REGULATOR).read_bytes())
    write_whole(shown / folder.name / "office.json", (folder / "office.json").read_bytes())
    for path in public_files(published):
        write_whole(shown / folder.name / path.parent.name / path.name, _public(path))
    index = home / PUBLICATION
    if index.exists():
        write_whole(index, index.read_bytes())
