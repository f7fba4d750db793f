"""An agreement: parties, articles sentence by sentence, commitments, visits; under one hash."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from khazana.ledger.canonical import canonical_bytes

AGREEMENT_FORMAT = "khazana.agreement/1"
AGREEMENT_DOMAIN = b"khazana.agreement/1\x00"

Sentences = Mapping[str, Sequence[str]]
"""By language: the same number of sentences in each, the n-th saying the same."""


class Kind(Enum):
    """What sort of instrument it is."""

    LETTER_OF_INTENT = "letter-of-intent"
    MEMORANDUM = "memorandum"
    AGREEMENT = "agreement"


class PartyKind(Enum):
    """Who binds itself: a state's office has an identity here, a company has papers."""

    OFFICE = "office"
    COMPANY = "company"


class Field(Enum):
    """The fields that the two states' letter of intent of 16 July 2025 names, and two more."""

    EDUCATION = "education"
    MINING = "mining"
    RESERVES = "sovereign-reserves"
    INCLUSION = "financial-inclusion"
    PUBLIC_USE = "public-sector-use"
    POLICY = "policy-design"
    ADOPTION = "blockchain-adoption"
    STABLECOIN = "stablecoin"


class AssetClass(Enum):
    """What an instrument is about; a claim on an issuer is never counted with bitcoin."""

    BITCOIN = "bitcoin"
    STABLECOIN = "stablecoin"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Interest:
    """Who owns a party in the end, or what interest somebody declared; with its source."""

    who: str
    what: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Party:
    """One side. office: the fingerprint of its identity, where it has one."""

    id: str
    kind: PartyKind
    names: Mapping[str, str]
    office: str | None = None
    owners: tuple[Interest, ...] = ()
    interests: tuple[Interest, ...] = ()
    open: tuple[Mapping[str, str], ...] = ()
    """What was looked for and not found, in words."""


@dataclass(frozen=True, kw_only=True)
class Article:
    id: str
    field: Field
    headings: Mapping[str, str]
    sentences: Sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What shows that a commitment was kept: so many entries of a kind in a party's log.

    by: the party whose log it is. kind: a word of `statement.log.entries`.
    """

    kind: str
    by: str
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Commitment:
    """What a party promised under an article, until when, and what would prove it.

    since: entries before this day prove nothing.
    """

    id: str
    article: str
    owner: str
    since: date
    due: date
    words: Mapping[str, str]
    proof: Proof


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A delegation's visit. minutes: SHA-256 of the paper. actions: commitments it led to."""

    id: str
    on: date
    place: Mapping[str, str]
    host: str
    guests: tuple[str, ...]
    minutes: str
    summary: Mapping[str, str]
    actions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """One version of an instrument.

    authentic: the language that decides. previous: the hash of the version before. agreed: the day
    the parties agreed on it; None while it is only proposed. notice: said wherever it is shown.
    """

    id: str
    kind: Kind
    version: int
    previous: str | None
    test: bool
    binding: bool
    asset: AssetClass
    authentic: str
    languages: tuple[str, ...]
    titles: Mapping[str, str]
    agreed: date | None
    notice: Mapping[str, str] | None
    source: str
    parties: tuple[Party, ...]
    articles: tuple[Article, ...]
    commitments: tuple[Commitment, ...] = ()
    visits: tuple[Visit, ...] = ()
    open: tuple[Mapping[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256(domain ‖ canonical JSON of everything, every language), in hex.

        One hash for the set: no language can change without the others' signatures falling.
        """
        return hashlib.sha256(AGREEMENT_DOMAIN + canonical_bytes(record(self))).hexdigest()

    def party(self, id_: str) -> Party:
        """The party of this id; ValueError when there is none."""
        for each in self.parties:
            if each.id == id_:
                return each
        raise ValueError(f"no party of {self.id} is called {id_!r}")


def record(agreement: Agreement) -> dict[str, Any]:
    """The agreement as the JSON that is hashed; absent values are null, never left out."""
    return {
        "format": AGREEMENT_FORMAT,
        "id": agreement.id,
        "kind": agreement.kind.value,
        "version": agreement.version,
        "previous": agreement.previous,
        "test": agreement.test,
        "binding": agreement.binding,
        "asset": agreement.asset.value,
        "authentic": agreement.authentic,
        "languages": list(agreement.languages),
        "titles": dict(agreement.titles),
        "agreed": _day(agreement.agreed),
        "notice": None if agreement.notice is None else dict(agreement.notice),
        "source": agreement.source,
        "open": [dict(each) for each in agreement.open],
        "parties": [
            {
                "id": each.id,
                "kind": each.kind.value,
                "names": dict(each.names),
                "office": each.office,
                "owners": [_interest(item) for item in each.owners],
                "interests": [_interest(item) for item in each.interests],
                "open": [dict(text) for text in each.open],
            }
            for each in agreement.parties
        ],
        "articles": [
            {
                "id": each.id,
                "field": each.field.value,
                "headings": dict(each.headings),
                "sentences": {code: list(text) for code, text in each.sentences.items()},
            }
            for each in agreement.articles
        ],
        "commitments": [
            {
                "id": each.id,
                "article": each.article,
                "owner": each.owner,
                "since": _day(each.since),
                "due": _day(each.due),
                "words": dict(each.words),
                "proof": {
                    "kind": each.proof.kind,
                    "by": each.proof.by,
                    "count": each.proof.count,
                },
            }
            for each in agreement.commitments
        ],
        "visits": [
            {
                "id": each.id,
                "on": _day(each.on),
                "place": dict(each.place),
                "host": each.host,
                "guests": list(each.guests),
                "minutes": each.minutes,
                "summary": dict(each.summary),
                "actions": list(each.actions),
            }
            for each in agreement.visits
        ],
    }


def _interest(item: Interest) -> dict[str, str]:
    return {"who": item.who, "what": item.what, "source": item.source}


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
