"""What each reader will see: the disclosed bytes themselves, before anybody publishes them."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from khazana.custody.control_evidence import proofs_withheld
from khazana.portal.audit.record import record
from khazana.portal.desk.models import CampaignRow, DraftRow, DraftState
from khazana.portal.desk.steps import OPEN, DraftRefused, locked_draft
from khazana.reserve.levels import LEVELS, keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.summary import summary_lines
from khazana.statement.envelope import Evidence, Statement, disclose, with_evidence, write_statement

PUBLIC_LEVELS = ("totals", "addresses", "full")
"""What may be published. Auditors get theirs as a file: descriptors show future addresses."""


@dataclass(frozen=True)
class Shown:
    """What the readers of one level get. raw: the file, to the byte."""

    level: str
    raw: bytes
    whole: Statement

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def size(self) -> int:
        return len(self.raw)

    @cached_property
    def statement(self) -> Statement:
        """Read again from the bytes, as the reader will."""
        return read_reserve_statement(self.raw).envelope

    @cached_property
    def kinds(self) -> list[tuple[str, int, int]]:
        """Each kind of part, how many are shown, and how many are withheld."""
        every = Counter(part.kind for part in self.whole.parts)
        seen = Counter(part.kind for part in self.statement.parts)
        return [(kind, seen[kind], every[kind] - seen[kind]) for kind in every]

    @property
    def evidence(self) -> list[str]:
        return sorted({item.type for item in self.statement.evidence})

    @cached_property
    def summary(self) -> str:
        return "\n".join(summary_lines(read_reserve_statement(self.raw)))


def whole_statement(draft: DraftRow) -> Statement:
    """The draft with the signatures and, once all coins are proved, the proofs."""
    raw = draft.raw if draft.signed is None else draft.signed
    statement = read_reserve_statement(bytes(raw or b"")).envelope
    campaign = CampaignRow.objects.filter(draft=draft).first()
    fields = [] if campaign is None else campaign.evidence
    proofs = [Evidence(each["type"], each["subject_root"], each) for each in fields]
    return with_evidence(statement, *proofs)


def shown_at(draft: DraftRow, level: str, *, hide_proofs: bool) -> Shown:
    """The file for the readers of a level, as `khazana statement disclose` writes it."""
    whole = whole_statement(draft)
    shown = disclose(whole, keep_at(level))
    if "scripts" not in LEVELS[level] or (hide_proofs and level in PUBLIC_LEVELS):
        shown = proofs_withheld(shown)
    return Shown(level, write_statement(shown), whole)


def publication_of(draft: DraftRow) -> Shown | None:
    """Exactly what would be published; None before somebody chose how much that is."""
    if not draft.level or draft.raw is None:
        return None
    return shown_at(draft, draft.level, hide_proofs=draft.proofs_withheld)


def usual_level() -> str:
    """What the office chose the last time; nothing is chosen for an office that never did."""
    last = DraftRow.objects.filter(state=DraftState.PUBLISHED).exclude(level="").first()
    return "" if last is None else last.level


def choose_level(pk: int, level: str, *, hide_proofs: bool, by: str) -> None:
    """What the public will see of this statement, as an act of whoever chose it."""
    if level not in PUBLIC_LEVELS:
        raise DraftRefused(problem=f"the public sees {', '.join(PUBLIC_LEVELS)}, not {level!r}")
    with locked_draft(pk, *OPEN) as row:
        row.level, row.proofs_withheld, row.level_by = level, hide_proofs, by
        row.save(update_fields=["level", "proofs_withheld", "level_by"])
        detail = {"level": level, "proofs": "withheld" if hide_proofs else "shown"}
        record("disclosure chosen", actor=by, subject=row.root, detail=detail)
