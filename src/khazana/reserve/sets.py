"""Everything in a statement that has figures, with the set of accounts the figures are about."""

from collections.abc import Iterator

from khazana.ledger.accounts import CustodialAccount, Entity, Lane, Membership, Perimeter, Wallet
from khazana.ledger.perimeters import entity_perimeter, wallet_perimeter
from khazana.reserve.bodies import perimeter_of, wallet_of
from khazana.reserve.parts import FiguresBody
from khazana.reserve.reading import ReserveStatement


def accounts_of(statement: ReserveStatement) -> tuple[CustodialAccount, ...]:
    """The stated custodial accounts as the ledger's values."""
    return tuple(
        CustodialAccount(body.id, body.entity, body.name, body.custodian, Lane(body.lane))
        for body in statement.accounts.values()
    )


def account_perimeter(account: CustodialAccount) -> Perimeter:
    """A custodial account as a perimeter of its own."""
    return Perimeter(account.id, account.name, (Membership(account.id),))


def sets_of(statement: ReserveStatement) -> Iterator[tuple[str, FiguresBody, Perimeter]]:
    """Each disclosed wallet, account, entity and perimeter: part name, stated figures, members."""
    wallets = [wallet_of(body, ()) for body in statement.wallets.values()]
    accounts = accounts_of(statement)
    wallets_of: dict[str, list[Wallet]] = {}
    for wallet in wallets:
        wallets_of.setdefault(wallet.entity, []).append(wallet)
    accounts_by_entity: dict[str, list[CustodialAccount]] = {}
    for account in accounts:
        accounts_by_entity.setdefault(account.entity, []).append(account)
    for wallet in wallets:
        figures = statement.wallets[wallet.id].figures
        yield f"wallet/{wallet.id}", figures, wallet_perimeter(wallet)
    for account in accounts:
        figures = statement.accounts[account.id].figures
        yield f"account/{account.id}", figures, account_perimeter(account)
    for body in statement.entities.values():
        entity = Entity(body.id, body.name, body.sector)
        own = entity_perimeter(
            entity, wallets_of.get(body.id, ()), accounts_by_entity.get(body.id, ())
        )
        yield f"entity/{body.id}", body.figures, own
    for perimeter in statement.perimeters.values():
        yield f"perimeter/{perimeter.id}", perimeter.figures, perimeter_of(perimeter)
