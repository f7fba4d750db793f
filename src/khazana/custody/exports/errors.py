"""Why a wallet cannot be handed to another program."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class NotExportable(KhazanaError):
    """The other program has no wallets of this kind."""

    program: str
    problem: str
    code = "wallet_not_exportable"
    words = (
        "{program} cannot take this wallet over: {problem}. Give its holders the descriptor, for a "
        "program that reads descriptors."
    )
