"""When the seals of a month existed: their daily roots, stamped into a block (rules E28 and E29).

    document of a month = "khazana.meter-days/1" 0x0A | month 0x0A | one line for each sealed day
    line                = day "," meter "," root "," head 0x0A      ordered by day, then meter

A stamp is an OpenTimestamps proof over the SHA-256 of that document, which any such tool checks.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from khazana.bitcoin.reader import MalformedBytes
from khazana.ledger.findings import Finding
from khazana.mining.evidence.metering import Metering
from khazana.mining.evidence.readings import DAY_S, day_text
from khazana.mining.evidence.seals import DaySeal
from khazana.statement.timestamps.format import read_proof
from khazana.statement.timestamps.judge import Confirmed, HeadersOf, judge_proof

DOCUMENT = "khazana.meter-days/1"
MOST_LATE_DAYS = 31
"""Days after a month within which its seals are to be stamped: whoever stamps later may have
sealed later."""
AHEAD_S = 7200
"""A header's time may be so far ahead, or behind the month's end by a slow clock."""


@dataclass(frozen=True, kw_only=True)
class StampsJudged:
    """What the stamps of several folders come to."""

    summary: str
    findings: tuple[Finding, ...]
    limits: tuple[str, ...]


def month_document(seals: Iterable[DaySeal], month: str) -> bytes:
    """The document of a month (`2026-01`, UTC); every seal of its days has a line."""
    rows = sorted(
        (day_text(seal.day), seal.meter, seal.root.hex(), seal.head.hex())
        for seal in seals
        if day_text(seal.day).startswith(month + "-")
    )
    lines = [DOCUMENT, month, *(",".join(row) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def months_sealed(seals: Iterable[DaySeal]) -> tuple[str, ...]:
    """The months in which days were sealed."""
    return tuple(sorted({day_text(seal.day)[:7] for seal in seals}))


def judge_stamps(metering: Sequence[Metering], *, chain: HeadersOf, test: bool) -> StampsJudged:
    """Each stamp against the seals it is over and the chain's headers."""
    findings: list[Finding] = []
    limits: list[str] = []
    confirmed: list[str] = []
    for given in metering:
        sealed = months_sealed(given.seals)
        for month, (name, raw) in sorted(given.stamps.items()):
            found, waiting, wrong = judged_month(given.seals, month, name, raw, chain)
            findings += wrong
            if found is not None:
                confirmed.append(f"{month} by block {found.height} ({found.at:%Y-%m-%d})")
            elif not wrong:
                limits.append(f"The seals of {month} wait for a block ({waiting}).")
        if missing := [month for month in sealed if month not in given.stamps]:
            limits.append(
                f"When the seals of {', '.join(missing)} were made is the gateway's word: no "
                "stamp was given."
            )
    mark = "test network, " if test else ""
    said = "; ".join(confirmed) or "no month is confirmed by a block"
    return StampsJudged(
        summary=f"{mark}seals existed: {said}",
        findings=tuple(findings),
        limits=(*limits, "A header's time may be two hours off."),
    )


def judged_month(
    seals: Sequence[DaySeal], month: str, name: str, raw: bytes, chain: HeadersOf
) -> tuple[Confirmed | None, str, list[Finding]]:
    """The block that shows it, or the calendars it waits for; and what is wrong."""
    days = [seal.day for seal in seals if day_text(seal.day).startswith(month + "-")]
    if not days:
        return None, "", [Finding("E28", f"no day of {month} is sealed", name)]
    try:
        proof = read_proof(raw, what=f"time stamp ({name})")
    except MalformedBytes as wrong:
        return None, "", [Finding("E28", str(wrong), name)]
    if proof.digest != hashlib.sha256(month_document(seals, month)).digest():
        text = f"it is not over the seals of {month} that are given"
        return None, "", [Finding("E28", text, name)]
    judged = judge_proof(proof, chain)
    if judged.problems or (judged.foreign and not judged.confirmed and not judged.pending):
        said = (*judged.problems, *judged.foreign)
        return None, "", [Finding("E28", text, name) for text in said]
    if not judged.confirmed:
        return None, ", ".join(judged.pending), []
    first = judged.confirmed[0]
    over = (max(days) + 1) * DAY_S
    late = first.time - over
    if late < -AHEAD_S:
        text = f"block {first.height} came before the last day sealed in {month} was over"
        return first, "", [Finding("E29", text, name)]
    if late > MOST_LATE_DAYS * DAY_S:
        text = (
            f"block {first.height} came {late // DAY_S} days after {month}: what was sealed may "
            "have been sealed then"
        )
        return first, "", [Finding("E29", text, name)]
    return first, "", []
