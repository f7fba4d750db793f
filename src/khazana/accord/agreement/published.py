"""Agreements in an office's log: each version it signed, and how that binds it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from khazana.accord.agreement.signed import (
    MOST_AGREEMENT_BYTES,
    SignedAgreement,
    read_signed_agreement,
)
from khazana.accord.agreement.signing import PartySigned
from khazana.accord.feed.mirror import read_document
from khazana.errors import KhazanaError
from khazana.statement.identity import Office
from khazana.statement.log.entries import AgreementEntry
from khazana.statement.log.files import LogFiles, LogFolder
from khazana.statement.log.office_log import entries_of


@dataclass(frozen=True, kw_only=True)
class Published:
    """A version of an agreement in the log of a party. index: the entry's number."""

    index: int
    signed: SignedAgreement
    by: PartySigned


def published_in(
    folder: LogFolder, log: LogFiles, office: Office, *, now: datetime
) -> Iterator[Published]:
    """Versions whose file is there, says what the entry says, and binds the office.

    The others show nothing here: the partner's verdict says what is wrong with them.
    """
    for index, entry in entries_of(log, AgreementEntry):
        try:
            raw = read_document(folder, entry.digest, most=MOST_AGREEMENT_BYTES)
            if raw is None:
                continue
            signed = read_signed_agreement(raw)
            signed.require_named(entry.agreement, entry.version)
            yield Published(index=index, signed=signed, by=signed.bound(office, now=now))
        except KhazanaError:
            continue
