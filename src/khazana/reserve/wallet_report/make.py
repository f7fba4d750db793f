"""Making a wallet report: an office and the chain at each date become one document (rule W2)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.days import closing_block
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.ledger.accounts import CustodialAccount, Entity, Wallet
from khazana.ledger.documents import utc_text
from khazana.ledger.office import Office
from khazana.reserve.bodies import block_body, block_ref
from khazana.reserve.gaps import scripts_used
from khazana.reserve.parts import NetworkBody, OfficeBody
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.wallet_report.document import (
    AddressBody,
    DateBody,
    LeftOutBody,
    ReportedAccountBody,
    ReportedWalletBody,
    ReturnBody,
    StatementBody,
    WalletReport,
    is_nil,
)
from khazana.reserve.wallet_report.errors import (
    ReportDisagrees,
    ReportTooEarly,
    StorageNotStated,
)
from khazana.units import Height, Sats


@dataclass(frozen=True)
class Position:
    """What lay on each script when `block`, which closes `day`, was the tip. Zero if absent."""

    day: date
    block: BlockRef
    median_time: datetime
    amounts: Mapping[bytes, Sats]


def positions_at(
    chain: ChainView, scripts: Collection[bytes], days: Iterable[date], *, timezone: str
) -> tuple[Position, ...]:
    """The chain at the close of each day in the zone. Raises DayNotClosed, BlockNotInBestChain."""
    return tuple(
        _position(chain, scripts, day, closing_block(chain, day, ZoneInfo(timezone)))
        for day in sorted(set(days))
    )


def median_time_of(chain: ChainView, block: BlockRef) -> datetime:
    """A block's median time past (BIP-113)."""
    first = Height(max(0, block.height - MEDIAN_OF + 1))
    return datetime.fromtimestamp(median_time_past(chain.headers(first, block)), UTC)


def ever_paid(chain: ChainView, scripts: Collection[bytes], until: BlockRef) -> frozenset[bytes]:
    """The scripts that any transaction up to a block paid."""
    return frozenset(scripts_used(chain.history(scripts, None, until))) & frozenset(scripts)


def report_of(
    office: Office,
    positions: Sequence[Position],
    *,
    used: Collection[bytes],
    tip: BlockRef,
    fingerprint: str | None,
    arrangement: str | None = None,
    statements: Iterable[ReserveStatement] = (),
) -> WalletReport:
    """The report of an office. positions: by date, the base date first. used: from `ever_paid`.

    statements: of the same office; those that close at one of the dates are named, and must show
    the same holdings. Raises StorageNotStated, ReportTooEarly, ReportDisagrees.
    """
    if missing := [wallet.id for wallet in office.wallets if wallet.id not in office.storage]:
        raise StorageNotStated(wallets=", ".join(missing))
    if not positions:
        raise ValueError("a report has at least one date")
    last = positions[-1]
    depth = tip.height - last.block.height + 1
    if depth < office.rules.min_depth:
        raise ReportTooEarly(day=str(last.day), depth=depth, least=office.rules.min_depth)
    entities = [_return(office, entity, positions, used) for entity in office.entities]
    totals = {
        name: [sum(getattr(entity, name)[n] for entity in entities) for n in range(len(positions))]
        for name in ("hot", "cold", "attested")
    }
    return WalletReport(
        office=OfficeBody(
            id=office.id, name=dict(office.name), fingerprint=fingerprint, notice=office.notice
        ),
        network=NetworkBody(name=office.network.name, genesis=office.network.genesis),
        test=office.network.test or office.test,
        timezone=office.rules.timezone,
        arrangement=arrangement,
        dates=[
            DateBody(
                day=each.day.isoformat(),
                block=block_body(each.block),
                median_time=utc_text(each.median_time),
            )
            for each in positions
        ],
        entities=entities,
        hot=totals["hot"],
        cold=totals["cold"],
        attested=totals["attested"],
        statements=list(_statements(statements, office, positions)),
        exclusions=[LeftOutBody(name=e.name, reason=e.reason) for e in office.exclusions],
    )


def _position(chain: ChainView, scripts: Collection[bytes], day: date, block: BlockRef) -> Position:
    amounts: dict[bytes, int] = {}
    for coin in chain.coins_at(scripts, block):
        amounts[coin.script] = amounts.get(coin.script, 0) + coin.amount
    held = {script: Sats(amount) for script, amount in amounts.items()}
    return Position(day, block, median_time_of(chain, block), held)


def _return(
    office: Office, entity: Entity, positions: Sequence[Position], used: Collection[bytes]
) -> ReturnBody:
    wallets = [
        _wallet(office, wallet, positions, used)
        for wallet in office.wallets
        if wallet.entity == entity.id
    ]
    accounts = [
        _account(office, account, positions)
        for account in office.accounts
        if account.entity == entity.id
    ]
    count = range(len(positions))
    made = ReturnBody(
        id=entity.id,
        name=dict(entity.name),
        sector=entity.sector,
        nil=False,
        wallets=wallets,
        accounts=accounts,
        hot=[sum(w.amounts[n] for w in wallets if w.storage == "hot") for n in count],
        cold=[sum(w.amounts[n] for w in wallets if w.storage == "cold") for n in count],
        attested=[sum(a.amounts[n] or 0 for a in accounts) for n in count],
    )
    return msgspec.structs.replace(made, nil=is_nil(made))


def _wallet(
    office: Office, wallet: Wallet, positions: Sequence[Position], used: Collection[bytes]
) -> ReportedWalletBody:
    """Rule W3: every address that was ever paid, with nothing on it too."""
    listed = [
        AddressBody(
            address=address_of(script, office.network),
            script=script.hex(),
            amounts=[each.amounts.get(script, Sats(0)) for each in positions],
        )
        for script in wallet.scripts
        if script in used
    ]
    return ReportedWalletBody(
        id=wallet.id,
        name=dict(wallet.name),
        storage=office.storage[wallet.id].value,
        declared=block_body(wallet.declared),
        lanes=[wallet.lane_at(each.block.height).value for each in positions],
        addresses=listed,
        unused=len(wallet.scripts) - len(listed),
        amounts=[sum(each.amounts[n] for each in listed) for n in range(len(positions))],
    )


def _account(
    office: Office, account: CustodialAccount, positions: Sequence[Position]
) -> ReportedAccountBody:
    attested = {
        attestation.as_of: attestation
        for attestation in office.attestations
        if attestation.account == account.id
    }
    found = [attested.get(each.block) for each in positions]
    return ReportedAccountBody(
        id=account.id,
        name=dict(account.name),
        custodian=account.custodian,
        lane=account.lane.value,
        amounts=[None if each is None else each.amount for each in found],
        documents=[None if each is None else each.document for each in found],
    )


def _statements(
    statements: Iterable[ReserveStatement], office: Office, positions: Sequence[Position]
) -> Iterable[StatementBody]:
    at = {each.block: each for each in positions}
    for statement in statements:
        position = at.get(block_ref(statement.header.period.until))
        if position is None:
            continue
        for wallet in office.wallets:
            stated = statement.wallets.get(wallet.id)
            if stated is None:
                continue
            found = sum(position.amounts.get(script, 0) for script in wallet.scripts)
            closing = stated.figures.closing
            if closing != found:
                raise ReportDisagrees(
                    root=statement.root,
                    wallet=wallet.id,
                    day=str(position.day),
                    stated=closing,
                    found=found,
                )
        yield StatementBody(day=position.day.isoformat(), root=statement.root)
