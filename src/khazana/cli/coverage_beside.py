"""Another publisher's statement, a state's or a provider's, as what it counts as its own."""

from pathlib import Path

from khazana.cli.files import MOST_STATEMENT_BYTES, naming, read_bytes
from khazana.reserve.bodies import block_ref
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.supervision.coverage.case import Counted
from khazana.supervision.coverage.reading import CoverageStatement, is_coverage, read_coverage


def counted_in(path: Path) -> Counted:
    """The coins and scripts in a file; FileRefused says what is wrong with it."""
    raw = read_bytes(path, most=MOST_STATEMENT_BYTES)
    with naming(path):
        if is_coverage(raw):
            return counted_by_provider(read_coverage(raw))
        return counted_by_state(read_reserve_statement(raw))


def counted_by_provider(statement: CoverageStatement) -> Counted:
    """What a provider counts at its block."""
    office = statement.header.office
    wallets = statement.wallets.values()
    return Counted(
        name=office.id,
        fingerprint=office.fingerprint,
        root=statement.root,
        genesis=statement.header.network.genesis,
        block=statement.block,
        coins={coin.outpoint: wallet.id for wallet in wallets for coin in wallet.coins},
        scripts={script: wallet.id for wallet in wallets for script in wallet.scripts},
        withheld=bool(statement.withheld("wallet")),
    )


def counted_by_state(statement: ReserveStatement) -> Counted:
    """What a state counts at its closing block."""
    header = statement.header
    return Counted(
        name=header.office.id,
        fingerprint=header.office.fingerprint,
        root=statement.root,
        genesis=header.network.genesis,
        block=block_ref(header.period.until),
        coins={
            coin.outpoint: wallet
            for wallet, body in statement.coins.items()
            for coin in body.closing
        },
        scripts={
            script: wallet for wallet, body in statement.scripts.items() for script in body.scripts
        },
        withheld=bool(statement.withheld("coins") or statement.withheld("scripts")),
    )
