"""Documents: the business records that say why bitcoin moved, and commitments to them."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from khazana.ledger.canonical import MOST_INTEGER, Json, canonical_bytes
from khazana.ledger.grades import EvidenceGrade
from khazana.units import MAX_MONEY, Sats, Txid

DOCUMENT_FORMAT = "khazana.document/1"
COMMITMENT_DOMAIN = b"khazana.document/1\n"
"""Opens what is hashed, so that a document's commitment can never be another hash of the system."""
SALT_BYTES = 16

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Reason(Enum):
    """Why an account's holdings changed: the documented axis, beside the chain's own facts."""

    ACQUISITION = "acquisition"
    """Bought for money."""
    MINED = "mined"
    """Earned by mining: a coinbase, or a pool's payout."""
    RECEIPT = "receipt"
    """Paid to the state: taxes, fees, sales, coins returned."""
    DONATION = "donation"
    SEIZURE = "seizure"
    """Taken into custody; title has not passed."""
    FORFEITURE = "forfeiture"
    """Received with title, by a court or an act."""
    CLIENT_DEPOSIT = "client_deposit"
    CLIENT_WITHDRAWAL = "client_withdrawal"
    DISBURSEMENT = "disbursement"
    """Paid out in the course of public business."""
    DISPOSAL = "disposal"
    """Sold for money."""
    TO_CUSTODIAN = "to_custodian"
    FROM_CUSTODIAN = "from_custodian"
    CHANNEL_OPEN = "channel_open"
    """Locked in a payment channel."""
    CHANNEL_CLOSE = "channel_close"
    DUST = "dust"
    """Unsolicited and at most the stated threshold (Rule M4)."""
    TRANSFER = "transfer"
    """Between declared wallets: derived from the chain (Rule T1), never from a document."""
    FEE = "fee"
    """Paid to miners; derived from the chain where every input is declared (Rule L2)."""
    UNEXPLAINED = "unexplained"
    """No document explains it. Nothing is guessed."""

    @property
    def direction(self) -> int:
        """+1 where holdings rise, -1 where they fall, 0 where either may happen."""
        if self in _INWARD:
            return 1
        return -1 if self in _OUTWARD else 0

    @property
    def from_document(self) -> bool:
        """Whether a document may state this reason."""
        return self not in _DERIVED


_INWARD = frozenset(
    {
        Reason.ACQUISITION,
        Reason.MINED,
        Reason.RECEIPT,
        Reason.DONATION,
        Reason.SEIZURE,
        Reason.FORFEITURE,
        Reason.CLIENT_DEPOSIT,
        Reason.FROM_CUSTODIAN,
        Reason.CHANNEL_CLOSE,
        Reason.DUST,
    }
)
_OUTWARD = frozenset(
    {
        Reason.CLIENT_WITHDRAWAL,
        Reason.DISBURSEMENT,
        Reason.DISPOSAL,
        Reason.TO_CUSTODIAN,
        Reason.CHANNEL_OPEN,
        Reason.FEE,
    }
)
_DERIVED = frozenset({Reason.TRANSFER, Reason.FEE, Reason.UNEXPLAINED})


@dataclass(frozen=True, slots=True)
class Fiat:
    """Money in minor units (cents, paisa) of an ISO 4217 currency.

    paid: what was paid for the bitcoin, or received for it, without fees. fees: to intermediaries.
    """

    currency: str
    paid: int
    fees: int = 0

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 code")
        if type(self.paid) is not int or type(self.fees) is not int:
            raise TypeError("fiat amounts are whole minor units")
        if not (0 <= self.paid <= MOST_INTEGER and 0 <= self.fees <= MOST_INTEGER):
            raise ValueError("fiat amounts are not negative, and below 2^53 minor units")


@dataclass(frozen=True, kw_only=True)
class Document:
    """A business record that explains a change of one account's holdings.

    account: the wallet or custodial account whose holdings changed.
    at: when, as the record says, in UTC. amount: satoshis, positive; `reason` gives the direction.
    address: the one that was paid, ours for receipts and the payee's for payments.
    counter_account: the declared custodial account at the other end, for to/from custodian.
    file_sha256: of the paper itself. signature: reserved for the responsible body's signature.
    """

    id: str
    reason: Reason
    at: datetime
    account: str
    amount: Sats
    txid: Txid | None = None
    address: str | None = None
    counterparty: str | None = None
    counter_account: str | None = None
    fiat: Fiat | None = None
    authority: str | None = None
    budget_line: str | None = None
    file_sha256: str | None = None
    attested_by: str | None = None
    signature: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        for name in ("id", "account"):
            if not _IDENTIFIER.fullmatch(getattr(self, name)):
                raise ValueError(
                    f"{name} {getattr(self, name)!r}: 1 to 64 letters, digits, '.', '_' or '-'"
                )
        if self.at.utcoffset() != timedelta(0) or self.at.microsecond:
            raise ValueError(f"a document's time is in UTC and whole seconds, not {self.at}")
        if type(self.amount) is not int:
            raise TypeError(f"an amount is a whole number of satoshis, not {self.amount!r}")
        if not 0 < self.amount <= MAX_MONEY:
            raise ValueError(f"an amount is between 1 and {MAX_MONEY} sat, not {self.amount}")
        for name in ("txid", "file_sha256"):
            value = getattr(self, name)
            if value is not None and not _HASH.fullmatch(value):
                raise ValueError(f"{name} {value!r} is not 64 lower-case hex digits")
        for name in _TEXTS:
            value = getattr(self, name)
            if value is not None and not (value and unicodedata.is_normalized("NFC", value)):
                raise ValueError(f"{name} is empty or not in Unicode normal form C")

    @property
    def signed_amount(self) -> int:
        """The change of the account's holdings."""
        return self.amount * (self.reason.direction or 1)


_TEXTS = (
    "address",
    "counterparty",
    "counter_account",
    "authority",
    "budget_line",
    "attested_by",
    "signature",
    "note",
)


def utc_text(at: datetime) -> str:
    """A UTC time as it stands in every record: `2025-03-01T00:00:00Z`.

    >>> utc_text(datetime(2025, 3, 1, tzinfo=UTC))
    '2025-03-01T00:00:00Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(document: Document) -> dict[str, Json]:
    """The canonical record: every field, also the empty ones, so that nothing can be added later.

    A signature, where there is one, signs the record whose `signature` is null.
    """
    fiat: Json = None
    if document.fiat is not None:
        fiat = {
            "currency": document.fiat.currency,
            "fees_minor": document.fiat.fees,
            "paid_minor": document.fiat.paid,
        }
    return {
        "format": DOCUMENT_FORMAT,
        "id": document.id,
        "reason": document.reason.value,
        "at": utc_text(document.at),
        "account": document.account,
        "amount_sat": document.amount,
        "txid": document.txid,
        "fiat": fiat,
        "file_sha256": document.file_sha256,
        **{name: getattr(document, name) for name in _TEXTS},
    }


def document_from_record(value: Json) -> Document:
    """The document a canonical record holds; ValueError when it is not exactly such a record.

    Whoever is given a record and its salt rebuilds the document and checks the commitment.
    """
    if not isinstance(value, dict) or value.get("format") != DOCUMENT_FORMAT:
        raise ValueError(f"a document's record has format {DOCUMENT_FORMAT!r}")
    try:
        fiat = value["fiat"]
        document = Document(
            id=value["id"],
            reason=Reason(value["reason"]),
            at=datetime.strptime(value["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
            account=value["account"],
            amount=Sats(value["amount_sat"]),
            txid=value["txid"],
            fiat=None
            if fiat is None
            else Fiat(fiat["currency"], fiat["paid_minor"], fiat["fees_minor"]),
            file_sha256=value["file_sha256"],
            **{name: value[name] for name in _TEXTS},
        )
    except KeyError as missing:
        raise ValueError(f"the record has no field {missing}") from missing
    except (TypeError, AttributeError) as wrong:
        raise ValueError(f"a field of the record has the wrong type: {wrong}") from wrong
    # Comparing bytes refuses unknown fields and second spellings of a value in one stroke.
    if canonical_bytes(value) != canonical_bytes(record(document)):
        raise ValueError("the record has fields or spellings that a document's record has not")
    return document


def commitment(document: Document, salt: bytes) -> str:
    """The hash a statement publishes in a document's place, as hex.

    SHA-256("khazana.document/1\\n" || salt || RFC 8785 bytes of the record)

    salt: 16 secret random bytes; without them nobody can guess a document from its hash.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return hashlib.sha256(COMMITMENT_DOMAIN + salt + canonical_bytes(record(document))).hexdigest()


def document_grade(document: Document, *, signature_holds: bool = False) -> EvidenceGrade:
    """B: its signature was verified; C: a named party attests a paper whose hash it carries; or D.

    A signature that nobody verified counts for nothing.
    """
    if document.signature is not None and signature_holds:
        return EvidenceGrade.B
    if document.file_sha256 is not None and document.attested_by is not None:
        return EvidenceGrade.C
    return EvidenceGrade.D
