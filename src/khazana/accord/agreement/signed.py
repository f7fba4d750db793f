"""An agreement as an office publishes it: the text, its signatures, and minutes of visits.

{"format": "khazana.signed-agreement/1", "text": "the TOML file", "signatures": [envelope, …],
 "minutes": ["the minutes of a visit", …]}

Each party publishes its own file in its own log: together they show who is bound.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec

from khazana.accord.agreement.model import Agreement
from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.signing import PartySigned, judge_agreement_signature
from khazana.bitcoin.secrets import refuse_secrets_in
from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.dsse import Envelope, joined, read_envelope
from khazana.statement.errors import SignatureRefused
from khazana.statement.identity import Office

SIGNED_AGREEMENT_FORMAT: Final = "khazana.signed-agreement/1"
MOST_AGREEMENT_BYTES = 4 << 20
FILE_NAME = "agreement.toml"
"""What a reader's complaint calls the text inside."""

Minutes = Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)]


@dataclass(eq=False, kw_only=True)
class SignedAgreementRefused(KhazanaError):
    """A published agreement that is not what it should be."""

    problem: str
    code = "signed_agreement_refused"
    words = "This is no agreement that an office signed and published: {problem}."


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    format: Literal["khazana.signed-agreement/1"]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 20)]
    signatures: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1, max_length=40)]
    minutes: Annotated[tuple[Minutes, ...], msgspec.Meta(max_length=100)]


@dataclass(frozen=True, kw_only=True)
class SignedAgreement:
    """The file's content. Whom the signatures bind is another question: `bound`."""

    agreement: Agreement
    text: str
    envelopes: tuple[Envelope, ...]
    minutes: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The published file: RFC 8785 JSON and one newline."""
        document: dict[str, Any] = {
            "format": SIGNED_AGREEMENT_FORMAT,
            "text": self.text,
            "signatures": [each.to_json() for each in self.envelopes],
            "minutes": list(self.minutes),
        }
        return canonical_bytes(document) + b"\n"

    def minutes_of(self, digest: str) -> str | None:
        """The minutes with this SHA-256; None where they are not published with it."""
        return next((text for text in self.minutes if minutes_digest(text) == digest), None)

    def require_named(self, digest: str, version: int) -> None:
        """Refuse a file that is not of the agreement and the version that an entry names."""
        found = (self.agreement.digest, self.agreement.version)
        if found != (digest, version):
            problem = (
                f"the log says version {version} with hash {digest}, and it is version "
                f"{found[1]} with hash {found[0]}"
            )
            raise SignedAgreementRefused(problem=problem)

    def bound(self, office: Office, *, now: datetime) -> PartySigned:
        """How the signatures bind this office; SignatureRefused when they do not, and why."""
        together: dict[bytes, list[Envelope]] = {}
        for envelope in self.envelopes:
            together.setdefault(envelope.payload, []).append(envelope)
        refusals = []
        for envelopes in together.values():
            try:
                signed = judge_agreement_signature(
                    self.agreement, joined(envelopes), [office], now=now
                )
            except SignatureRefused as error:
                refusals.append(error.problem)
                continue
            version = office.in_force(signed.at)
            if version is not None and version.test != self.agreement.test:
                raise SignatureRefused(problem="agreement and office are not of the same network")
            return signed
        raise SignatureRefused(problem="; ".join(refusals))


def minutes_digest(text: str) -> str:
    """The hash by which a visit names its minutes: SHA-256 of their UTF-8 text."""
    return hashlib.sha256(text.encode()).hexdigest()


def signed_agreement(
    text: str, envelopes: Sequence[Envelope], *, minutes: Sequence[str] = ()
) -> SignedAgreement:
    """The file of a text with its signatures; refuses what a reader would refuse, and secrets."""
    for number, each in enumerate(minutes, 1):
        refuse_secrets_in(each, where=f"minutes {number}")
    made = SignedAgreement(
        agreement=read_agreement(FILE_NAME, text.encode()),
        text=text,
        envelopes=tuple(envelopes),
        minutes=tuple(minutes),
    )
    return read_signed_agreement(made.to_bytes())


def read_signed_agreement(raw: bytes) -> SignedAgreement:
    """The published agreement in these bytes, which must be their one spelling."""
    if len(raw) > MOST_AGREEMENT_BYTES:
        raise SignedAgreementRefused(problem=f"it has more than {MOST_AGREEMENT_BYTES} bytes")
    try:
        document = parse_strict(raw)
        file = msgspec.convert(document, _File)
        found = SignedAgreement(
            agreement=read_agreement(FILE_NAME, file.text.encode()),
            text=file.text,
            envelopes=tuple(read_envelope(each) for each in file.signatures),
            minutes=file.minutes,
        )
    except (KhazanaError, msgspec.ValidationError) as error:
        raise SignedAgreementRefused(problem=str(error)) from error
    if found.to_bytes() != raw:
        raise SignedAgreementRefused(problem="it is not in canonical form (RFC 8785, a newline)")
    named = {visit.minutes for visit in found.agreement.visits}
    for text in found.minutes:
        if minutes_digest(text) not in named:
            problem = f"minutes with the hash {minutes_digest(text)} belong to none of its visits"
            raise SignedAgreementRefused(problem=problem)
    return found
