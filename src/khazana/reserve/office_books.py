"""An office's books for a period: documents matched, balances, lines, entries off the chain."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from khazana.ledger.accounts import Perimeter
from khazana.ledger.documents import Document, Reason, document_grade
from khazana.ledger.entries import AttestedBalance, BookEntry, HeldCoin
from khazana.ledger.explanations import Explanation, Matching, explanation_grade
from khazana.ledger.lanes import reclassifications
from khazana.ledger.matching import MatchingRules, match
from khazana.ledger.office import Attestation, Office
from khazana.ledger.perimeters import entity_perimeter, perimeter_changes
from khazana.ledger.postings import balances_of, coins_after_entries, entries_of, held_coins
from khazana.reserve.figures import Books
from khazana.reserve.gather import ChainFacts
from khazana.reserve.parts import (
    ExplanationLineBody,
)
from khazana.units import BlockHash, Sats, Txid


def books_of(office: Office, facts: ChainFacts) -> Books:
    """An office's books for the period of `facts`, as its statement would rest on them."""
    opening_coins = held_coins(facts.opening_coins().values(), office.wallets)
    return books_from(office, facts, matching_of(office, facts), opening_coins)


def matching_of(office: Office, facts: ChainFacts) -> Matching:
    """Which of the office's documents explain which flows of the period, and what does not fit."""
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


def books_from(
    office: Office,
    facts: ChainFacts,
    matching: Matching,
    opening_coins: Mapping[Any, HeldCoin],
) -> Books:
    """The books that follow from a matching and the coins at the end of the opening block."""
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
        for attestation in attestations_of(office, account.id):
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


def attestations_of(office: Office, account: str) -> list[Attestation]:
    """What a custodian attested for an account, in order of block."""
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
    for part, perimeter in perimeters_of(office):
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


def perimeters_of(office: Office) -> Iterator[tuple[str, Perimeter]]:
    """Entities and perimeters, each with the name of its part."""
    for entity in office.entities:
        yield f"entity/{entity.id}", entity_perimeter(entity, office.wallets, office.accounts)
    for perimeter in office.perimeters:
        yield f"perimeter/{perimeter.id}", perimeter


def documents_used(books: Books) -> set[str]:
    """The documents that some line rests on: those the statement commits to."""
    groups = (*books.lines.values(), *books.account_lines.values())
    return {line.document for group in groups for line in group if line.document is not None}
