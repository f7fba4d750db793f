"""Whether working papers hold together: every figure in them follows from the others again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.errors import KhazanaError
from khazana.ledger.canonical import parse_strict
from khazana.reserve.auditing import papers
from khazana.reserve.auditing.announcement import (
    Announcement,
    drawing_block,
    read_announcement,
    read_sample,
    sample_by,
    write_sample,
)
from khazana.reserve.auditing.engagement import (
    Engagement,
    Findings,
    Requests,
    read_paper,
    require_steps,
)
from khazana.reserve.auditing.papers import PapersRefused, read_papers
from khazana.reserve.auditing.population import population_of, read_population
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.statement.acts import Act, read_acts
from khazana.statement.opinions import read_signed_opinion, require_about
from khazana.units import BlockHash, Height

ANNOUNCED, DREW = "audit sample announced", "audit sample drawn"
"""What the desk's log calls the two acts; their subject is the announcement's SHA-256."""


@dataclass(frozen=True, slots=True)
class Line:
    """One question to the papers. problem: empty where the answer is yes."""

    what: str
    said: str
    problem: str = ""


@dataclass(frozen=True)
class Papers:
    """Working papers whose hashes were compared."""

    files: Mapping[str, bytes]

    @cached_property
    def engagement(self) -> Engagement:
        return read_paper(self.files[papers.ENGAGEMENT], Engagement)

    @cached_property
    def statement(self) -> ReserveStatement:
        return read_reserve_statement(self.files[papers.STATEMENT])

    @cached_property
    def findings(self) -> Findings:
        return read_paper(self.files[papers.FINDINGS], Findings)

    @cached_property
    def requests(self) -> Requests:
        return read_paper(self.files[papers.REQUESTS], Requests)

    @cached_property
    def acts(self) -> Sequence[Act]:
        return read_acts(self.files[papers.LOG].splitlines(keepends=True))

    @cached_property
    def announcements(self) -> Mapping[str, Announcement]:
        """By their number."""
        return {
            name.partition("/")[2]: read_announcement(raw)
            for name, raw in self.files.items()
            if name.startswith("announcements/")
        }


def check_papers(raw: bytes, *, chain: ChainView | None = None) -> tuple[Papers, tuple[Line, ...]]:
    """Read an archive and ask every question. PapersRefused where a hash does not fit.

    chain: with one, the block that drew is looked up there; without, its hash is the papers' word.
    """
    opened = Papers(read_papers(raw))
    lines = [Line("files", f"{len(opened.files)} files have the SHA-256 of the manifest")]
    questions: list[tuple[str, Callable[[], str]]] = [
        ("statement", lambda: _statement(opened)),
        ("report", lambda: _report(opened)),
        ("requests", lambda: _requests(opened)),
        ("audit log", lambda: f"{len(opened.acts)} acts in one chain"),
    ]
    questions += [
        (f"sample {number.removesuffix('.json')}", lambda n=number: _sample(opened, n, chain))  # type: ignore[misc]
        for number in _numbers(opened)
    ]
    questions += [
        ("findings", lambda: _findings(opened)),
        ("opinion", lambda: _opinion(opened)),
    ]
    for what, question in questions:
        try:
            lines.append(Line(what, question()))
        except KhazanaError as error:
            lines.append(Line(what, "", str(error)))
    return opened, tuple(lines)


def _numbers(opened: Papers) -> Sequence[str]:
    """Announcements, populations and samples belong together by their numbers."""
    found = {
        name.partition("/")[2]
        for name in opened.files
        if name.startswith(("announcements/", "populations/", "samples/"))
    }
    return sorted(found, key=lambda each: int(each.removesuffix(".json")))


def _statement(opened: Papers) -> str:
    statement, root = opened.statement, opened.engagement.root
    if statement.envelope.computed_root != statement.root or statement.root != root:
        raise PapersRefused(file=papers.STATEMENT, problem=f"its root is not {root}")
    published = opened.files.get(papers.PUBLISHED)
    if published is None:
        return f"root {root}, not published yet"
    shown = read_reserve_statement(published).envelope
    if shown.computed_root != root or shown.root != root:
        raise PapersRefused(file=papers.PUBLISHED, problem=f"its root is not {root}")
    return f"root {root}, the published file has the same"


def _report(opened: Papers) -> str:
    raw = opened.files.get(papers.REPORT)
    if raw is None:
        return "none in these papers"
    document = parse_strict(raw)
    checks = document.get("checks") if isinstance(document, dict) else None
    told = [each for each in checks or () if isinstance(each, dict) and each.get("name") == "root"]
    # The check called "root" repeats the root that it computed.
    if not isinstance(document, dict) or not any(
        opened.engagement.root in str(each.get("summary")) for each in told
    ):
        raise PapersRefused(file=papers.REPORT, problem="it is about another root")
    return f"khazana verify ended with status {document.get('exit_status')}"


def _requests(opened: Papers) -> str:
    require_steps(opened.requests)
    for request in opened.requests.requests:
        for entry in request.entries:
            for file in entry.files:
                _require_file(opened, file.sha256)
    last = [request.entries[-1].step for request in opened.requests.requests]
    return f"{len(last)} requests, {last.count('accepted')} accepted"


def _require_file(opened: Papers, sha256: str) -> None:
    if f"files/{sha256}" not in opened.files:
        raise PapersRefused(file=f"files/{sha256}", problem="an entry names it, it is missing")


def _sample(opened: Papers, number: str, chain: ChainView | None) -> str:
    announcement = opened.announcements.get(number)
    listed = opened.files.get(f"populations/{number}")
    if announcement is None or listed is None:
        raise PapersRefused(file=f"samples/{number}", problem="nothing announced it")
    population = population_of(opened.statement, announcement.population.kind)
    if read_population(listed) != population:
        problem = "it is not what the statement gives"
        raise PapersRefused(file=f"populations/{number}", problem=problem)
    acts = {(act.action, act.subject): act for act in reversed(opened.acts)}
    announced = acts.get((ANNOUNCED, announcement.sha256))
    if announced is None:
        problem = "the audit log does not know it"
        raise PapersRefused(file=f"announcements/{number}", problem=problem)
    written = opened.files.get(f"samples/{number}")
    if written is None:
        return f"announced in act {announced.number}, not drawn yet"
    drew = acts.get((DREW, announcement.sha256))
    if drew is None or drew.number < announced.number:
        problem = "the audit log does not tell that it was drawn after it was announced"
        raise PapersRefused(file=f"samples/{number}", problem=problem)
    named = read_sample(written).block
    block = BlockRef(Height(named.height), BlockHash(named.hash))
    if chain is not None and drawing_block(announcement, chain) != block:
        problem = f"the chain has another block {announcement.height}"
        raise PapersRefused(file=f"samples/{number}", problem=problem)
    sample = sample_by(announcement, population, block)
    if write_sample(sample) != written:
        problem = "another sample follows from the announcement and the block"
        raise PapersRefused(file=f"samples/{number}", problem=problem)
    source = "the papers' word" if chain is None else str(chain.basis)
    return (
        f"{len(sample.items)} of {len(population.items)} {population.kind} follow from block "
        f"{block.height} ({source}); announced in act {announced.number}, drawn in {drew.number}"
    )


def _findings(opened: Papers) -> str:
    last: dict[tuple[str, str], str] = {}
    for finding in opened.findings.findings:
        last[finding.sample, finding.item] = finding.outcome
        if finding.paper is not None:
            _require_file(opened, finding.paper.sha256)
    samples = [read_sample(raw) for name, raw in opened.files.items() if name[:8] == "samples/"]
    drawn = {(sample.announcement, item.id) for sample in samples for item in sample.items}
    stray = sorted(item for sample, item in last.keys() - drawn)
    if stray:
        raise PapersRefused(file=papers.FINDINGS, problem=f"{stray[0]} was not drawn")
    counts = [f"{list(last.values()).count(kind)} {kind}" for kind in ("agrees", "differs")]
    unseen = list(last.values()).count("not_seen")
    return f"{', '.join(counts)}, {unseen} not seen, {len(drawn - last.keys())} without a finding"


def _opinion(opened: Papers) -> str:
    raw = opened.files.get(papers.OPINION)
    if raw is None:
        return "none yet"
    opinion, _ = read_signed_opinion(raw)
    if opinion.key != opened.engagement.key:
        problem = f"key {opinion.key} signed it, the engagement names {opened.engagement.key}"
        raise PapersRefused(file=papers.OPINION, problem=problem)
    require_about(opinion, opened.statement.envelope)
    return f"{opinion.opinion}, signed by key {opinion.key}"
