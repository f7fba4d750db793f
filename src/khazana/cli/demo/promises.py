"""What the two states promised each other, and where it stands by their logs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from khazana.accord.agreement.evidence import shown_by
from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.status import Standing, Status, standings
from khazana.accord.feed.view import feed_view
from khazana.cli.demo import directory as lies
from khazana.cli.demo.accord import FEED
from khazana.cli.demo.logs import AGREEMENTS
from khazana.cli.log_folder import DiskFolder

KEPT = ("pakistan-statements", "el-salvador-statements", "sealed-wallet")
"""What the story keeps in time or, where a partner's verdict came after the day, late."""
BROKEN = ("correction",)
"""What it does not keep: nobody enters the correction that was promised."""


def promises(directory: Path, *, now: datetime) -> list[Standing]:
    """Where each promise of the newest version stands, as anybody computes it from the feeds."""
    name = "letter-2.toml"
    raw = (directory / lies.PAKISTAN / AGREEMENTS / name).read_bytes()
    agreement = read_agreement(name, raw)
    feeds = (DiskFolder(directory / each / FEED) for each in (lies.PAKISTAN, lies.EL_SALVADOR))
    views = [view for feed in feeds if (view := feed_view(feed, now=now)) is not None]
    return standings(agreement, shown_by(agreement, views), now=now)


def kept_as_told(found: Sequence[Standing]) -> bool:
    """Whether the logs show what the story says: these were kept, that one is overdue."""
    by = {each.commitment.id: each.status for each in found}
    return all(by.get(each) in (Status.FULFILLED, Status.FULFILLED_LATE) for each in KEPT) and all(
        by.get(each) is Status.OVERDUE for each in BROKEN
    )


def promise_lines(found: Sequence[Standing]) -> Iterator[str]:
    """Each promise with its status and reason, in English."""
    yield "The two offices' letter of intent (SYNTHETIC), computed from their logs:"
    for each in found:
        yield f"  {each.commitment.id}: {each.sentence()}"
