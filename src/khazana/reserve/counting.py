"""A state's statement as what its office counts as its own."""

from khazana.ledger.counted import Counted
from khazana.reserve.bodies import block_ref
from khazana.reserve.checks_beside import NotComparable
from khazana.reserve.reading import ReserveStatement


def counted_by_state(statement: ReserveStatement) -> Counted:
    """What a state counts at its closing; NotComparable where the parts are of another root."""
    if statement.envelope.computed_root != statement.root:
        raise NotComparable(root=statement.root, problem="its parts do not give its root")
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
