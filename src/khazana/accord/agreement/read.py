"""Reading an agreement (`khazana.agreement/1`, TOML): complete, or refused whole."""

from collections.abc import Callable, Iterator
from datetime import date, datetime

from khazana.accord.agreement.model import (
    AGREEMENT_FORMAT,
    Agreement,
    Article,
    AssetClass,
    Commitment,
    Field,
    Interest,
    Kind,
    Party,
    PartyKind,
    Proof,
    Visit,
)
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.sections import Section, read_toml

PROOF_KINDS = (
    "statement",
    "disclosure",
    "wallet-commitment",
    "verdict",
    "identity",
    "correction",
    "wallet-declaration",
    "agreement",
)
"""Entries of a log that can prove something (khazana.statement.log.entries)."""
MOST_VERSIONS = 1000
MOST_PROOFS = 10_000
NO_DAY = date(1, 1, 1)


def read_agreement(name: str, raw: bytes) -> Agreement:
    """The agreement in these bytes; `OfficeFileRefused` names every problem with its line."""
    problems = ProblemList()
    top = read_toml(name, raw, problems)
    agreement = _agreement(top)
    problems.refuse_if_any(name)
    return agreement


def _agreement(top: Section) -> Agreement:
    if top.text("format") not in ("", AGREEMENT_FORMAT):
        top.wrong(f'this program reads format = "{AGREEMENT_FORMAT}"', "format")
    head = top.section("agreement") or Section(
        {}, file=top.file, path=("agreement",), lines=top.lines, problems=ProblemList()
    )
    languages = tuple(text for text, _ in head.texts("languages", required=True))
    authentic = head.text("authentic")
    if authentic and authentic not in languages:
        head.wrong(f"{authentic!r} is not among the languages", "authentic")
    in_all = _in_all(languages)
    version = head.integer("version", least=1, most=MOST_VERSIONS)
    previous = head.hash("previous") if head.has("previous") else None
    if (version == 1) != (previous is None):
        head.wrong("version 1 has no previous version, and every later one has", "version")
    parties = tuple(_parties(top.sections("party"), in_all))
    articles = tuple(_articles(top.sections("article"), languages, in_all))
    commitments = tuple(_commitments(top.sections("commitment"), parties, articles, in_all))
    visits = tuple(_visits(top.sections("visit"), parties, commitments, in_all))
    if len(parties) < 2:
        top.wrong("an agreement has two parties or more: [[party]]", "party")
    if not articles:
        top.wrong("is missing: [[article]]", "article")
    agreement = Agreement(
        id=head.identifier(),
        kind=head.choice("kind", Kind),
        version=version,
        previous=previous,
        test=head.flag("test"),
        binding=head.flag("binding"),
        asset=head.choice("asset", AssetClass),
        authentic=authentic,
        languages=languages,
        titles=in_all(head, "title"),
        agreed=_day(head, "agreed") if head.has("agreed") else None,
        notice=in_all(head, "notice") if head.has("notice") else None,
        source=head.text("source"),
        parties=parties,
        articles=articles,
        commitments=commitments,
        visits=visits,
        open=_open(head, in_all),
    )
    head.finish()
    top.finish()
    return agreement


InAll = Callable[[Section, str], dict[str, str]]


def _in_all(languages: tuple[str, ...]) -> InAll:
    """A reader of texts that must stand in every language of the agreement and in no other."""

    def read(section: Section, key: str) -> dict[str, str]:
        names = dict(section.names(key))
        if section.has(key) and isinstance(section.values[key], dict):
            for missing in sorted(set(languages) - set(names)):
                section.wrong(f"is not given in {missing}, a language of the agreement", key)
            for stray in sorted(set(names) - set(languages)):
                section.wrong("is no language of the agreement", key, stray)
        return names

    return read


def _parties(sections: list[Section], in_all: InAll) -> Iterator[Party]:
    for section in _once(sections):
        kind = section.choice("kind", PartyKind)
        yield Party(
            id=section.identifier(),
            kind=kind,
            names=in_all(section, "name"),
            office=section.hash("office") if section.has("office") else None,
            owners=tuple(_interests(section, "owner")),
            interests=tuple(_interests(section, "interest")),
            open=_open(section, in_all),
        )
        if kind is PartyKind.COMPANY:
            for key, words in (("owner", "beneficial owners"), ("interest", "declared interests")):
                if not section.values.get(key) and not section.values.get("open"):
                    section.wrong(f"a company's {words} are named, or said to be open", key)
        section.finish()


def _open(section: Section, in_all: InAll) -> tuple[dict[str, str], ...]:
    """What was looked for and not found: `[[open]]` with its `words`."""
    found = []
    for each in section.sections("open"):
        found.append(in_all(each, "words"))
        each.finish()
    return tuple(found)


def _interests(section: Section, key: str) -> Iterator[Interest]:
    for each in section.sections(key):
        yield Interest(each.text("who"), each.text("what"), each.text("source"))
        each.finish()


def _articles(
    sections: list[Section], languages: tuple[str, ...], in_all: InAll
) -> Iterator[Article]:
    for section in _once(sections):
        sentences: dict[str, tuple[str, ...]] = {}
        texts = section.section("text")
        if texts is not None:
            for code in languages:
                sentences[code] = tuple(text for text, _ in texts.texts(code, required=True))
            texts.finish()
            counts = {code: len(found) for code, found in sentences.items()}
            if len(set(counts.values())) > 1:
                told = ", ".join(f"{code} {count}" for code, count in counts.items())
                section.wrong(f"the languages have different numbers of sentences: {told}", "text")
            elif not all(counts.values()):
                section.wrong("has no sentence", "text")
        yield Article(
            id=section.identifier(),
            field=section.choice("field", Field),
            headings=in_all(section, "heading"),
            sentences=sentences,
        )
        section.finish()


def _commitments(
    sections: list[Section],
    parties: tuple[Party, ...],
    articles: tuple[Article, ...],
    in_all: InAll,
) -> Iterator[Commitment]:
    who, which = [each.id for each in parties], [each.id for each in articles]
    for section in _once(sections):
        since, due = _day(section, "since"), _day(section, "due")
        if due < since:
            section.wrong("is due before it begins", "due")
        proof = section.section("proof")
        yield Commitment(
            id=section.identifier(),
            article=_one_of(section, "article", which),
            owner=_one_of(section, "owner", who),
            since=since,
            due=due,
            words=in_all(section, "words"),
            proof=Proof(kind="", by="") if proof is None else _proof(proof, who),
        )
        section.finish()


def _proof(section: Section, parties: list[str]) -> Proof:
    proof = Proof(
        kind=_one_of(section, "kind", list(PROOF_KINDS)),
        by=_one_of(section, "by", parties),
        count=section.integer("count", least=1, most=MOST_PROOFS, default=1),
    )
    section.finish()
    return proof


def _visits(
    sections: list[Section],
    parties: tuple[Party, ...],
    commitments: tuple[Commitment, ...],
    in_all: InAll,
) -> Iterator[Visit]:
    who, promised = [each.id for each in parties], [each.id for each in commitments]
    for section in _once(sections):
        for key, known in (("guests", who), ("actions", promised)):
            for text, position in section.texts(key):
                if text not in known:
                    section.wrong(f"{text!r} is unknown{suggestion(text, known)}", key, position)
        yield Visit(
            id=section.identifier(),
            on=_day(section, "on"),
            place=in_all(section, "place"),
            host=_one_of(section, "host", who),
            guests=_texts(section, "guests"),
            minutes=section.hash("minutes"),
            summary=in_all(section, "summary"),
            actions=_texts(section, "actions"),
        )
        section.finish()


def _one_of(section: Section, key: str, known: list[str]) -> str:
    value = section.text(key)
    if value and value not in known:
        section.wrong(f"{value!r} is unknown{suggestion(value, known)}", key)
    return value


def _texts(section: Section, key: str) -> tuple[str, ...]:
    return tuple(text for text, _ in section.texts(key))


def _day(section: Section, key: str) -> date:
    if not section.has(key):
        section.wrong("is missing: a day such as 2026-12-31", key)
        return NO_DAY
    value = section.values[key]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    section.wrong("should be a day such as 2026-12-31, without quotes", key)
    return NO_DAY


def _once(sections: list[Section]) -> Iterator[Section]:
    """The sections in turn; an id that stands twice is reported where it stands again."""
    seen: dict[str, int] = {}
    for section in sections:
        value = section.values.get("id")
        if isinstance(value, str):
            if value in seen:
                section.wrong(f"{value!r} stands in line {seen[value]} too", "id")
            seen.setdefault(value, section.place("id").line)
        yield section
