"""Making a statement: an office's books and a chain's facts become parts under one root."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.ledger.accounts import Perimeter
from khazana.ledger.documents import Document, Reason, commitment, document_grade, utc_text
from khazana.ledger.entries import AttestedBalance, BookEntry, HeldCoin
from khazana.ledger.explanations import Explanation, Matching, explanation_grade
from khazana.ledger.findings import Finding
from khazana.ledger.lanes import reclassifications
from khazana.ledger.matching import MatchingRules, match
from khazana.ledger.office import Attestation, DescriptorSource, Office
from khazana.ledger.perimeters import entity_perimeter, perimeter_changes, wallet_perimeter
from khazana.ledger.postings import balances_of, coins_after_entries, entries_of, held_coins
from khazana.reserve.bodies import (
    block_body,
    book_body,
    descriptor_body,
    entry_body,
    lane_bodies,
    member_bodies,
    seal_body,
)
from khazana.reserve.figures import Books, figures_of, lanes_of
from khazana.reserve.gaps import scripts_used, used_in_gap
from khazana.reserve.gather import ChainFacts
from khazana.reserve.parts import (
    AccountBody,
    AttestationBody,
    Body,
    CoinBody,
    CoinsBody,
    DocumentBody,
    EntityBody,
    ExclusionBody,
    ExplanationBody,
    ExplanationLineBody,
    HeaderBody,
    NetworkBody,
    OfficeBody,
    PerimeterBody,
    PeriodBody,
    ScriptsBody,
    SealedBody,
    WalletBody,
)
from khazana.reserve.salts import document_salt
from khazana.reserve.sets import account_perimeter
from khazana.statement.envelope import NetworkName, Statement, make_statement
from khazana.statement.parts import EXTENSION_PREFIX
from khazana.units import BlockHash, Sats, Txid


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
    matching = _matching(office, facts)
    opening_coins = held_coins(facts.opening_coins().values(), office.wallets)
    books = _books(office, facts, matching, opening_coins)
    parts = [
        (name, _json(body)) for name, body in _parts(office, facts, books, opening_coins, salt_seed)
    ]
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
    used = [d for d in office.documents if d.id in _documents_used(books)]
    return Made(
        statement=statement,
        findings=(*matching.findings, *gap_findings(office, facts)),
        documents=tuple((d, document_salt(salt_seed, d.id)) for d in used),
    )


def books_of(office: Office, facts: ChainFacts) -> Books:
    """An office's books for the period of `facts`, as its statement would rest on them."""
    opening_coins = held_coins(facts.opening_coins().values(), office.wallets)
    return _books(office, facts, _matching(office, facts), opening_coins)


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


def _matching(office: Office, facts: ChainFacts) -> Matching:
    during = facts.during
    entries = entries_of(during, office.wallets, facts.opening_coins())
    blocks = {c.block.hash: c.block.height for c in during}
    return match(
        entries,
        _documents_of_period(office, facts),
        wallets=[wallet.id for wallet in office.wallets],
        accounts=[account.id for account in office.accounts],
        outputs={c.txid: c.transaction.outputs for c in during},
        times={
            BlockHash(hash_): datetime.fromtimestamp(facts.header_at(height).time, tz=UTC)
            for hash_, height in blocks.items()
        },
        network=facts.network,
        rules=MatchingRules(
            window_days=office.rules.match_window_days,
            dust_threshold=office.rules.dust_threshold,
        ),
    )


def _documents_of_period(office: Office, facts: ChainFacts) -> list[Document]:
    """Documents that may explain a flow of this period.

    One that names a transaction of this period belongs here, one of an earlier period does not.
    One that names a transaction not seen yet belongs here, as a finding, when it is dated in the
    period. One that names none belongs here when its time lies in the period, widened by the
    matching window on both sides.
    """
    before = {c.txid for c in facts.before}
    during = {c.txid for c in facts.during}
    begin = facts.header_at(facts.after.height).time
    end = facts.header_at(facts.until.height).time
    window = office.rules.match_window_days * 86_400
    return [
        document
        for document in office.documents
        if document.txid in during
        or (document.txid is None and begin - window <= document.at.timestamp() <= end + window)
        or (
            document.txid is not None
            and document.txid not in before
            and begin < document.at.timestamp() <= end
        )
    ]


def _books(
    office: Office,
    facts: ChainFacts,
    matching: Matching,
    opening_coins: Mapping[Any, HeldCoin],
) -> Books:
    entries = entries_of(facts.during, office.wallets, facts.opening_coins())
    by_id = {document.id: document for document in office.documents}
    lines: dict[Txid, list[ExplanationLineBody]] = {}
    for explanation in matching.explanations:
        lines.setdefault(explanation.txid, []).append(_line(explanation, by_id))
    opening = dict(balances_of(opening_coins.values()))
    attested: list[Attestation] = []
    grades: dict[str, str] = {}
    for account in office.accounts:
        opening[account.id] = Sats(0)
        for attestation in _attestations_of(office, account.id):
            if attestation.as_of.height <= facts.after.height:
                opening[account.id] = attestation.amount
            elif attestation.as_of.height <= facts.until.height:
                attested.append(attestation)
            else:
                continue
            grades[account.id] = attestation.grade.value
    attested.sort(key=lambda a: (a.as_of.height, a.account))
    balances = tuple(AttestedBalance(a.account, a.as_of, a.amount, a.document) for a in attested)
    books = Books(
        after=facts.after,
        until=facts.until,
        wallets=office.wallets,
        accounts=office.accounts,
        opening=opening,
        entries=entries,
        lines=lines,
        account_lines=_account_lines(office, matching, opening, balances, by_id),
        book=(),
        attested=balances,
        attested_grade=grades,
        held=tuple(coins_after_entries(opening_coins, entries).values()),
    )
    entered = tuple(e for e in office.book_entries if e.block.height <= facts.until.height)
    return replace(books, book=(*entered, *_derived_book(office, books)))


def _attestations_of(office: Office, account: str) -> list[Attestation]:
    return sorted(
        (a for a in office.attestations if a.account == account), key=lambda a: a.as_of.height
    )


def _line(explanation: Explanation, by_id: Mapping[str, Document]) -> ExplanationLineBody:
    return ExplanationLineBody(
        wallet=explanation.wallet,
        reason=explanation.reason.value,
        amount=explanation.amount,
        counterpart=explanation.counterpart,
        document=explanation.document,
        grade=explanation_grade(explanation, by_id).value,
        rule=explanation.rule,
    )


def _account_lines(
    office: Office,
    matching: Matching,
    opening: Mapping[str, Sats],
    attested: Sequence[AttestedBalance],
    by_id: Mapping[str, Document],
) -> dict[str, list[ExplanationLineBody]]:
    """Why each custodial balance changed: its documents, and what they leave unexplained."""
    last = {balance.account: balance.amount for balance in attested}
    lines: dict[str, list[ExplanationLineBody]] = {}
    for account in office.accounts:
        if account.id not in last:
            continue
        own = [
            ExplanationLineBody(
                wallet=account.id,
                reason=document.reason.value,
                amount=document.signed_amount,
                counterpart=document.counter_account,
                document=document.id,
                grade=document_grade(document).value,
                rule="B1",
            )
            for document in matching.off_chain
            if document.account == account.id
        ]
        left = last[account.id] - opening[account.id] - sum(line.amount for line in own)
        if left:
            own.append(
                ExplanationLineBody(
                    wallet=account.id,
                    reason=Reason.UNEXPLAINED.value,
                    amount=left,
                    counterpart=None,
                    document=None,
                    grade="D",
                    rule="B1",
                )
            )
        lines[account.id] = own
    return lines


def _derived_book(office: Office, books: Books) -> Iterator[BookEntry]:
    yield from reclassifications(
        office.wallets,
        opening=books.opening,
        entries=books.entries,
        after=books.after,
        until=books.until,
    )
    for part, perimeter in _perimeters(office):
        for change in perimeter_changes(
            perimeter,
            wallets=office.wallets,
            opening=books.opening,
            entries=books.entries,
            attested=books.attested,
            after=books.after,
            until=books.until,
        ):
            yield replace(change, perimeter=part)


def _perimeters(office: Office) -> Iterator[tuple[str, Perimeter]]:
    """Entities and perimeters, each with the name of its part."""
    for entity in office.entities:
        yield f"entity/{entity.id}", entity_perimeter(entity, office.wallets, office.accounts)
    for perimeter in office.perimeters:
        yield f"perimeter/{perimeter.id}", perimeter


def _documents_used(books: Books) -> set[str]:
    lines = [
        line
        for group in (books.lines, books.account_lines)
        for each in group.values()
        for line in each
    ]
    return {line.document for line in lines if line.document is not None}


def _parts(
    office: Office,
    facts: ChainFacts,
    books: Books,
    opening_coins: Mapping[Any, HeldCoin],
    salt_seed: bytes,
) -> Iterator[tuple[str, Body]]:
    """Every part but the header, in the order of khazana.reserve.parts.BODIES."""
    sets = dict(_perimeters(office))
    for entity in office.entities:
        yield (
            f"entity/{entity.id}",
            EntityBody(
                id=entity.id,
                name=dict(entity.name),
                sector=entity.sector,
                figures=figures_of(books, sets[f"entity/{entity.id}"]),
            ),
        )
    yield from _wallet_parts(office, books)
    opening, closing = _coins_by_wallet(opening_coins.values()), _coins_by_wallet(books.held)
    for wallet in office.wallets:
        yield (
            f"coins/{wallet.id}",
            CoinsBody(
                wallet=wallet.id,
                opening=opening.get(wallet.id, []),
                closing=closing.get(wallet.id, []),
            ),
        )
    for entry in books.entries:
        yield f"entry/{entry.txid}", entry_body(entry)
    for entry in books.entries:
        lines = list(books.lines.get(entry.txid, ()))
        yield f"explanation/{entry.txid}", ExplanationBody(txid=entry.txid, lines=lines)
    used = _documents_used(books)
    for document in office.documents:
        if document.id in used:
            yield f"document/{document.id}", _document_body(document, salt_seed)
    for account in office.accounts:
        yield f"account/{account.id}", _account_body(office, books, account.id)
    for perimeter in office.perimeters:
        yield (
            f"perimeter/{perimeter.id}",
            PerimeterBody(
                id=perimeter.id,
                name=dict(perimeter.name),
                members=member_bodies(perimeter.members),
                figures=figures_of(books, perimeter),
                lanes=lanes_of(books, perimeter),
            ),
        )
    for number, entry_ in enumerate(books.book, start=1):
        yield f"book/{number}", book_body(entry_)
    for number, sealed in enumerate(office.sealed, start=1):
        yield (
            f"sealed/{number}",
            SealedBody(commitment=sealed.commitment, block=block_body(sealed.block)),
        )
    for number, exclusion in enumerate(office.exclusions, start=1):
        yield f"exclusion/{number}", ExclusionBody(name=exclusion.name, reason=exclusion.reason)


def _wallet_parts(office: Office, books: Books) -> Iterator[tuple[str, Body]]:
    for wallet in office.wallets:
        yield (
            f"wallet/{wallet.id}",
            WalletBody(
                id=wallet.id,
                entity=wallet.entity,
                name=dict(wallet.name),
                lanes=lane_bodies(wallet.lanes),
                declared=block_body(wallet.declared),
                seal=seal_body(wallet.seal),
                script_count=len(wallet.scripts),
                figures=figures_of(books, wallet_perimeter(wallet)),
            ),
        )
    for wallet in office.wallets:
        scripts = [script.hex() for script in wallet.scripts]
        yield f"scripts/{wallet.id}", ScriptsBody(wallet=wallet.id, scripts=scripts)
    for wallet in office.wallets:
        source = office.sources[wallet.id]
        if isinstance(source, DescriptorSource):
            yield f"descriptor/{wallet.id}", descriptor_body(wallet.id, source)


def _coins_by_wallet(coins: Iterable[HeldCoin]) -> dict[str, list[CoinBody]]:
    by_wallet: dict[str, list[CoinBody]] = {}
    for coin in sorted(coins, key=lambda c: c.outpoint):
        by_wallet.setdefault(coin.wallet, []).append(
            CoinBody(
                outpoint=str(coin.outpoint),
                amount=coin.amount,
                block=block_body(coin.block),
                coinbase=coin.is_coinbase,
            )
        )
    return by_wallet


def _document_body(document: Document, salt_seed: bytes) -> DocumentBody:
    return DocumentBody(
        id=document.id,
        commitment=commitment(document, document_salt(salt_seed, document.id)),
        grade=document_grade(document).value,
        file_sha256=document.file_sha256,
    )


def _account_body(office: Office, books: Books, account_id: str) -> AccountBody:
    account = next(a for a in office.accounts if a.id == account_id)
    attestations = _attestations_of(office, account_id)
    before = [a for a in attestations if a.as_of.height <= books.after.height]
    during = [a for a in attestations if books.after.height < a.as_of.height <= books.until.height]
    return AccountBody(
        id=account.id,
        entity=account.entity,
        name=dict(account.name),
        custodian=account.custodian,
        lane=account.lane.value,
        opening=_attestation_body(before[-1]) if before else None,
        attested=[_attestation_body(a) for a in during],
        figures=figures_of(books, account_perimeter(account)),
        lines=list(books.account_lines.get(account_id, ())),
    )


def _attestation_body(attestation: Attestation) -> AttestationBody:
    return AttestationBody(
        block=block_body(attestation.as_of),
        amount=attestation.amount,
        grade=attestation.grade.value,
        attested_by=attestation.attested_by,
        document=attestation.document,
        file_sha256=attestation.file_sha256,
    )
