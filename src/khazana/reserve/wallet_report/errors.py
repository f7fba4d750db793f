"""Why a wallet report cannot be made or read: each situation by name."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class WalletReportRefused(KhazanaError):
    """A file that is not a wallet report, or one that contradicts itself."""

    place: str
    problem: str
    code = "wallet_report_refused"
    words = "The wallet report is refused: at {place}, {problem}. Ask the office for it again."


@dataclass(eq=False, kw_only=True)
class StorageNotStated(KhazanaError):
    """A report says of every wallet whether it is hot or cold; no chain shows that."""

    wallets: str
    code = "storage_not_stated"
    words = (
        "The office file does not say where the keys of these wallets are: {wallets}. "
        'Write storage = "hot" or storage = "cold" at each [[wallet]].'
    )


@dataclass(eq=False, kw_only=True)
class ReportTooEarly(KhazanaError):
    """The last date's block is not deep enough."""

    day: str
    depth: int
    least: int
    code = "report_too_early"
    words = (
        "The block that closes {day} has {depth} blocks, and {least} are needed: wait, or drop it."
    )


@dataclass(eq=False, kw_only=True)
class ReportDisagrees(KhazanaError):
    """A statement of the same office shows other holdings at the same block."""

    root: str
    wallet: str
    day: str
    stated: int
    found: int
    code = "report_disagrees"
    words = (
        "Statement {root} says that wallet {wallet} held {stated} sat at the close of {day}; the "
        "chain shows {found} sat. Nothing was reported: find out which is wrong."
    )


@dataclass(eq=False, kw_only=True)
class RolesCollide(KhazanaError):
    """Two entities would sign in one role."""

    role: str
    entities: str
    code = "roles_collide"
    words = "Entities {entities} would both sign in role {role}: give one of them another id."
