"""A coverage statement as what its provider counts as its own."""

from khazana.ledger.counted import Counted
from khazana.supervision.coverage.case import NotComparable
from khazana.supervision.coverage.reading import CoverageStatement


def counted_by_provider(statement: CoverageStatement) -> Counted:
    """What a provider counts at its block; NotComparable where the parts are of another root."""
    if statement.envelope.computed_root != statement.root:
        raise NotComparable(root=statement.root, problem="its parts give another root")
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
