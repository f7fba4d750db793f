"""How a statement, an identity or a signature from outside can be wrong."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class StatementError(KhazanaError):
    """A statement file cannot be used."""

    code = "statement_error"
    words = "The statement cannot be used."


@dataclass(eq=False, kw_only=True)
class StatementMalformed(StatementError):
    """The file does not follow the format. path: as in $.parts[3].name."""

    path: str
    problem: str
    code = "statement_malformed"
    words = "The statement is refused: at {path}, {problem}."


@dataclass(eq=False, kw_only=True)
class StatementTooLarge(StatementError):
    """The file exceeds a bound that the reader set."""

    what: str
    found: int
    limit: int
    code = "statement_too_large"
    words = (
        "The statement is refused: it has {found} {what}, and at most {limit} are read. "
        "If you expected one as large, raise the limit."
    )


@dataclass(eq=False, kw_only=True)
class StatementNotCanonical(StatementError):
    """The same content was written in other bytes than the format prescribes."""

    offset: int
    code = "statement_not_canonical"
    words = (
        "The statement is refused: from byte {offset} on it is not in canonical form (RFC 8785), "
        "as if it had been reformatted. Ask for the file as it was published."
    )


@dataclass(eq=False, kw_only=True)
class UnknownPart(StatementError):
    """A part that this reader does not understand and may not pass over."""

    name: str
    path: str
    code = "statement_unknown_part"
    words = (
        "The statement is refused: {name} at {path} is a kind of part that this version does not "
        "know and must not ignore. Use a newer version."
    )


@dataclass(eq=False, kw_only=True)
class PinMalformed(KhazanaError):
    """What was given as an office's fingerprint is none."""

    given: str
    code = "pin_malformed"
    words = (
        "{given!r} is no fingerprint of an office: give all 64 hex digits (spaces do not matter) "
        "or the office's file. A shortened fingerprint can be forged."
    )


@dataclass(eq=False, kw_only=True)
class OfficeRefused(KhazanaError):
    """An office file does not hold a valid chain of identities. version 0: the file itself."""

    version: int
    problem: str
    code = "office_refused"
    words = "The office file is refused at version {version}: {problem}."


@dataclass(eq=False, kw_only=True)
class OfficeConflict(KhazanaError):
    """An office's identity contradicts the one already known."""

    problem: str
    code = "office_conflict"
    words = "The office's identity contradicts the one already known: {problem}."


@dataclass(eq=False, kw_only=True)
class SignatureRefused(KhazanaError):
    """A signature, its envelope or its key is not acceptable."""

    problem: str
    code = "signature_refused"
    words = "The signature is refused: {problem}."
