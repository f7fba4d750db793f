"""What the providers do, day by day: deposits, snapshots at blocks nobody chose, statements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.cli.demo import directory as lies
from khazana.cli.demo.chronicle import PUBLICATION
from khazana.cli.demo.officers import Officers
from khazana.cli.demo.people import People
from khazana.cli.demo.providers.cast import EVERYBODY
from khazana.cli.demo.providers.epochs import (
    PUBLIC,
    Published,
    countersign,
    publish_epoch,
    write_slips,
)
from khazana.cli.demo.providers.provider import EPOCHS, Provider
from khazana.cli.demo.publish import Publisher
from khazana.cli.demo.stage import Stage
from khazana.cli.demo.timeline import CLOSING_DEPTH
from khazana.cli.files import write_whole
from khazana.units import Height

REGULATOR = "register-1"
"""The officer of a state's office who plays its regulator; no real regulator is meant."""
SLIPS = (1, 2, 3)
"""Customers who are given slips."""
LIE_PERCENT = 84
"""Of what it owes, what the Drill Exchange's newest statement owns up to: a little less than it
keeps, so that it looks covered."""


@dataclass
class Playing:
    """A provider and what it published so far."""

    provider: Provider
    publisher: Publisher | None = None
    epochs: list[Published] = field(default_factory=list)
    snapshot: int | None = None


class Providers:
    """The three providers. Each has an epoch in each of the last periods."""

    def __init__(self, stage: Stage, people: People, officers: Mapping[str, Officers]) -> None:
        self.stage, self.officers = stage, officers
        self.playing = [Playing(Provider(licensed, stage, people)) for licensed in EVERYBODY]
        timeline = stage.timeline
        first = timeline.periods - EPOCHS + 1
        self._deposits = {timeline.within(first + n, 15): n + 1 for n in range(EPOCHS)}
        self._announced = {timeline.within(first + n, 45): n + 1 for n in range(EPOCHS)}

    def act(self, day: int) -> None:
        """What customers do before the block of a day is found."""
        epoch = self._deposits.get(day)
        for each in self.playing:
            if epoch is None:
                continue
            if epoch == 1:
                each.provider.open(day)
            each.provider.take_deposits(day, epoch=epoch)

    def publish(self, day: int, chain: ChainView, directory: Path) -> list[str]:
        """What the providers publish when the block of a day has been found; lines to say."""
        said = []
        if day in self._announced:
            for each in self.playing:
                each.snapshot = _snapshot(chain, announced=day)
        for each in self.playing:
            if each.snapshot is not None and day == each.snapshot + CLOSING_DEPTH - 1:
                self._publish(each, chain, directory, day=day, block=each.snapshot)
                each.snapshot = None
                said.append(each.provider.licensed.slug)
        if not said:
            return []
        return [f"epoch {len(self.playing[0].epochs)} of the providers: {', '.join(said)}"]

    def _publish(
        self, each: Playing, chain: ChainView, directory: Path, *, day: int, block: int
    ) -> None:
        timeline, licensed = self.stage.timeline, each.provider.licensed
        folder, at = directory / lies.PROVIDERS / licensed.slug, timeline.instant(day)
        first = min(self._deposits)
        if each.publisher is None:
            opened = timeline.instant(first)
            identity = each.provider.found(folder, at=opened)
            each.publisher = Publisher(each.provider.officers, identity)
        number = len(each.epochs) + 1
        lying = licensed.state == lies.DRILL and number == EPOCHS
        before = each.epochs[-1] if each.epochs else None
        published = publish_epoch(
            each.provider,
            each.publisher,
            folder,
            chain,
            number=number,
            after=first - 1 if before is None else before.epoch.block.height,
            block=block,
            at=at,
            before=before,
            told_percent=LIE_PERCENT if lying else 100,
        )
        each.epochs.append(published)
        write_slips(published, [published.held[n - 1].customer for n in SLIPS])
        if not lying:
            countersign(published, self.officers[licensed.state].private[REGULATOR])
        _show(folder, published, home=directory / licensed.state)


def _show(folder: Path, published: Published, *, home: Path) -> None:
    """What everybody is given goes into the state's publication, whose index is touched last."""
    shown = home / lies.PROVIDERS / folder.name
    write_whole(shown / "office.json", (folder / "office.json").read_bytes())
    for name in PUBLIC:
        path = published.folder / name
        if path.exists():
            write_whole(shown / published.folder.name / name, path.read_bytes())
    index = home / PUBLICATION
    if index.exists():
        write_whole(index, index.read_bytes())


def _snapshot(chain: ChainView, *, announced: int) -> int:
    """A block that nobody could know when the snapshot was announced."""
    digest = chain.block_at(Height(announced)).hash
    return announced + 1 + int(digest, 16) % 5
