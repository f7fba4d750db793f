"""Making a statement: an office's books and a chain's facts become parts under one root."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.ledger.documents import Document, utc_text
from khazana.ledger.findings import Finding
from khazana.ledger.office import DescriptorSource, Office
from khazana.ledger.postings import held_coins
from khazana.reserve.bodies import (
    block_body,
)
from khazana.reserve.figures import Books
from khazana.reserve.gaps import scripts_used, used_in_gap
from khazana.reserve.gather import ChainFacts
from khazana.reserve.office_books import books_from, documents_used, matching_of
from khazana.reserve.office_parts import parts_of
from khazana.reserve.parts import (
    Body,
    HeaderBody,
    NetworkBody,
    OfficeBody,
    PeriodBody,
)
from khazana.reserve.salts import document_salt
from khazana.statement.envelope import NetworkName, Statement, make_statement
from khazana.statement.parts import EXTENSION_PREFIX


@dataclass(frozen=True)
class Made:
    """A statement without signatures, and everything its maker should look at before signing.

    findings: documents that do not match, contradictions, sums that do not hold.
    documents: every document with the salt that opens its commitment; it stays with the office.
    """

    statement: Statement
    findings: tuple[Finding, ...]
    documents: tuple[tuple[Document, bytes], ...]


class MoreParts(Protocol):
    """Extension parts that other rooms add ("x-..."), made from the office and its books."""

    def __call__(self, office: Office, books: Books) -> Iterable[tuple[str, Mapping[str, Any]]]: ...


def make(
    office: Office,
    facts: ChainFacts,
    *,
    salt_seed: bytes,
    fingerprint: str | None,
    previous: str | None,
    supersedes: str | None = None,
    more: Sequence[MoreParts] = (),
) -> Made:
    """The statement of an office for the period of `facts`.

    salt_seed: secret random bytes, new for each statement; the same office, chain and seed give
    the same bytes whatever adapter read the chain. fingerprint: of the office's identity.
    previous, supersedes: roots of the statements that this one follows or replaces.
    more: what other rooms add; they stand behind the statement's own parts.
    """
    matching = matching_of(office, facts)
    opening_coins = held_coins(facts.opening_coins().values(), office.wallets)
    books = books_from(office, facts, matching, opening_coins)
    own = parts_of(office, books, opening_coins, salt_seed)
    parts = [(name, _json(body)) for name, body in own]
    extensions = [(name, dict(body)) for rule in more for name, body in rule(office, books)]
    if stray := [name for name, _ in extensions if not name.startswith(EXTENSION_PREFIX)]:
        raise ValueError(f"{stray[0]} is no extension: its name begins with {EXTENSION_PREFIX}")
    parts += extensions
    counts: dict[str, int] = {}
    for name, _ in parts:
        kind = name.partition("/")[0]
        counts[kind] = counts.get(kind, 0) + 1
    network = NetworkName(facts.network.name, facts.network.genesis)
    test = facts.network.test or office.test
    header = HeaderBody(
        office=OfficeBody(
            id=office.id,
            name=dict(office.name),
            fingerprint=fingerprint,
            notice=office.notice,
        ),
        network=NetworkBody(name=network.name, genesis=network.genesis),
        test=test,
        period=PeriodBody(
            after=block_body(facts.after),
            until=block_body(facts.until),
            after_mtp=median_time(facts, facts.after),
            until_mtp=median_time(facts, facts.until),
            timezone=office.rules.timezone,
        ),
        tip=block_body(facts.tip),
        min_depth=office.rules.min_depth,
        previous=previous,
        supersedes=supersedes,
        dust_threshold=office.rules.dust_threshold,
        match_window_days=office.rules.match_window_days,
        cost_method=office.rules.cost_method.value,
        parts=dict(sorted(counts.items())),
        critical=sorted(name for name, body in extensions if body.get("critical") is True),
    )
    statement = make_statement(
        network=network,
        test=test,
        header=_json(header),
        parts=parts,
        salt_seed=salt_seed,
    )
    used = [d for d in office.documents if d.id in documents_used(books)]
    return Made(
        statement=statement,
        findings=(*matching.findings, *gap_findings(office, facts)),
        documents=tuple((d, document_salt(salt_seed, d.id)) for d in used),
    )


def gap_findings(office: Office, facts: ChainFacts) -> Iterator[Finding]:
    """Rule R3: the unused end of each stated range must still be unused.

    A used script there means that the wallet went further than the range: widen it, or coins
    beyond it stay unseen.
    """
    used = scripts_used(facts.history)
    for wallet in office.wallets:
        source = office.sources[wallet.id]
        if isinstance(source, DescriptorSource):
            yield from used_in_gap(wallet.id, source, wallet.scripts, used)


def _json(body: Body) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(body)
    return content


def median_time(facts: ChainFacts, block: BlockRef) -> str:
    """A block's median time past as it stands in statements, from the gathered headers."""
    end = block.height - facts.first_header + 1
    return utc_text(
        datetime.fromtimestamp(
            median_time_past(facts.headers[max(0, end - MEDIAN_OF) : end]), tz=UTC
        )
    )
