"""The parts of an office's statement, built from its books in the order of the file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from khazana.ledger.documents import Document, commitment, document_grade
from khazana.ledger.entries import HeldCoin
from khazana.ledger.office import Attestation, DescriptorSource, Office
from khazana.ledger.perimeters import wallet_perimeter
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
from khazana.reserve.office_books import attestations_of, documents_used, perimeters_of
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
    PerimeterBody,
    ScriptsBody,
    SealedBody,
    WalletBody,
)
from khazana.reserve.salts import document_salt
from khazana.reserve.sets import account_perimeter


def parts_of(
    office: Office,
    books: Books,
    opening_coins: Mapping[Any, HeldCoin],
    salt_seed: bytes,
) -> Iterator[tuple[str, Body]]:
    """Every part but the header, in the order of khazana.reserve.parts.BODIES."""
    sets = dict(perimeters_of(office))
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
    used = documents_used(books)
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
    attestations = attestations_of(office, account_id)
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
