"""The tables beside office.toml: documents, attestations and book entries, row by row."""

from collections.abc import Iterator

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.network import Network
from khazana.ledger.documents import Document, Fiat, Reason
from khazana.ledger.entries import BookKind
from khazana.ledger.money import minor_digits, minor_units, sats_of_text
from khazana.ledger.office import AttestationLine, BookLine
from khazana.ledger.problems import ProblemList, suggestion
from khazana.ledger.tables import Row, read_table
from khazana.units import Sats, Txid

DOCUMENT_COLUMNS = (
    "id",
    "reason",
    "at",
    "account",
    "amount_btc",
    "amount_sat",
    "txid",
    "address",
    "counterparty",
    "counter_account",
    "currency",
    "paid",
    "fees",
    "authority",
    "budget_line",
    "file_sha256",
    "attested_by",
    "signature",
    "note",
    "corrects",
)
ATTESTATION_COLUMNS = (
    "account",
    "as_of",
    "amount_btc",
    "amount_sat",
    "document",
    "attested_by",
    "file_sha256",
)
BOOK_COLUMNS = ("kind", "block", "account", "amount_btc", "amount_sat", "document", "note")

_ENTERED_KINDS = {kind.value: kind for kind in (BookKind.LOSS, BookKind.RESTATEMENT)}
_DERIVED_KINDS = {
    BookKind.PERIMETER_CHANGE.value: "it follows from [[perimeter.member]] since and until",
    BookKind.RECLASSIFICATION.value: "it follows from [[wallet.lane]] since",
}
_DOCUMENT_REASONS = {reason.value: reason for reason in Reason if reason.from_document}


def read_documents(
    file: str, raw: bytes, *, network: Network, problems: ProblemList
) -> Iterator[tuple[Row, Document]]:
    """Documents with the rows they stand in; a row with a problem gives none."""
    rows = read_table(
        file,
        raw,
        columns=DOCUMENT_COLUMNS,
        required=("id", "reason", "at", "account"),
        problems=problems,
    )
    for row in rows:
        document = _document(row, network)
        if document is not None:
            yield row, document


def read_attestations(
    file: str, raw: bytes, *, problems: ProblemList
) -> Iterator[tuple[Row, AttestationLine]]:
    """Balances that custodians attest."""
    rows = read_table(
        file,
        raw,
        columns=ATTESTATION_COLUMNS,
        required=("account", "as_of", "document", "attested_by"),
        problems=problems,
    )
    for row in rows:
        attestation = _attestation(row)
        if attestation is not None:
            yield row, attestation


def read_book(file: str, raw: bytes, *, problems: ProblemList) -> Iterator[tuple[Row, BookLine]]:
    """Losses and restatements."""
    rows = read_table(
        file,
        raw,
        columns=BOOK_COLUMNS,
        required=("kind", "block", "account"),
        problems=problems,
    )
    for row in rows:
        line = _book_line(row)
        if line is not None:
            yield row, line


def _document(row: Row, network: Network) -> Document | None:
    found = len(row.problems.found)
    id_, account, at = row.identifier("id"), row.identifier("account"), row.time("at")
    reason = _reason(row)
    amount = _amount(row, least=1)
    txid = row.maybe_hash("txid")
    file_sha256 = row.maybe_hash("file_sha256")
    fiat = _fiat(row)
    if row.cells["address"]:
        try:
            script_of(row.cells["address"], network)
        except (BadAddress, SecretInsteadOfAddress) as wrong:
            row.wrong("address", str(wrong))
    if len(row.problems.found) > found or reason is None:
        return None
    return Document(
        id=id_,
        reason=reason,
        at=at,
        account=account,
        amount=amount,
        txid=None if txid is None else Txid(txid),
        fiat=fiat,
        file_sha256=file_sha256,
        address=row.maybe("address"),
        counterparty=row.maybe("counterparty"),
        counter_account=row.maybe("counter_account"),
        authority=row.maybe("authority"),
        budget_line=row.maybe("budget_line"),
        attested_by=row.maybe("attested_by"),
        signature=row.maybe("signature"),
        note=row.maybe("note"),
    )


def _reason(row: Row) -> Reason | None:
    value = row.text("reason")
    if value and value not in _DOCUMENT_REASONS:
        if value in {reason.value for reason in Reason}:
            row.wrong("reason", f"{value} is derived from the chain, never from a document")
        else:
            row.wrong("reason", f"{value!r} is no reason{suggestion(value, _DOCUMENT_REASONS)}")
    return _DOCUMENT_REASONS.get(value)


def _amount(row: Row, *, least: int | None) -> Sats:
    """The amount; where it is wrong the row is, and what is given back is not used."""
    column = "amount_btc" if row.cells["amount_btc"] else "amount_sat"
    try:
        amount = sats_of_text(btc=row.cells["amount_btc"], sat=row.cells["amount_sat"])
    except ValueError as wrong:
        row.wrong(column, str(wrong))
        return Sats(1)
    if least is not None and amount < least:
        row.wrong(column, f"{amount} sat is less than {least} sat")
    return amount


def _fiat(row: Row) -> Fiat | None:
    currency, paid, fees = (row.cells[column] for column in ("currency", "paid", "fees"))
    if not currency:
        if paid or fees:
            row.wrong("currency", "is empty, but money was paid: write an ISO 4217 code")
        return None
    if currency not in minor_digits():
        row.wrong("currency", f"{currency!r} is not a currency of ISO 4217")
        return None
    amounts = {"paid": 0, "fees": 0}
    if not paid:
        row.wrong("paid", f"is empty, but the currency is {currency}")
    for column, text in (("paid", paid), ("fees", fees)):
        if not text:
            continue
        try:
            amounts[column] = minor_units(text, currency)
        except ValueError as wrong:
            row.wrong(column, str(wrong))
        if amounts[column] < 0:
            row.wrong(column, "is negative; the reason gives the direction")
            amounts[column] = 0
    return Fiat(currency, amounts["paid"], amounts["fees"])


def _attestation(row: Row) -> AttestationLine | None:
    found = len(row.problems.found)
    line = AttestationLine(
        account=row.identifier("account"),
        as_of=row.block("as_of"),
        amount=_amount(row, least=0),
        document=row.text("document"),
        attested_by=row.text("attested_by"),
        file_sha256=row.maybe_hash("file_sha256"),
    )
    return line if len(row.problems.found) == found else None


def _book_line(row: Row) -> BookLine | None:
    found = len(row.problems.found)
    kind = row.text("kind")
    if kind in _DERIVED_KINDS:
        row.wrong("kind", f"{kind} is not entered by hand: {_DERIVED_KINDS[kind]}")
    elif kind and kind not in _ENTERED_KINDS:
        row.wrong("kind", f"{kind!r} is no kind{suggestion(kind, _ENTERED_KINDS)}")
    amount = _amount(row, least=None)
    sound = len(row.problems.found) == found
    if sound and kind == BookKind.LOSS.value and amount >= 0:
        row.wrong(
            "amount_btc" if row.cells["amount_btc"] else "amount_sat",
            "a loss takes away: write a negative amount",
        )
    line = BookLine(
        kind=_ENTERED_KINDS.get(kind, BookKind.LOSS),
        block=row.block("block"),
        account=row.identifier("account"),
        amount=amount,
        document=row.maybe("document"),
        note=row.maybe("note"),
    )
    return line if len(row.problems.found) == found else None
