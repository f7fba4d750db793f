"""Making a coverage statement: an epoch, the chain at its block, and what others attest."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from khazana.bitcoin.chain import BlockRef, ChainView, Coin
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.errors import KhazanaError
from khazana.ledger.accounts import Wallet
from khazana.ledger.documents import utc_text
from khazana.ledger.office import LEAST_DEPTH, DescriptorSource, Office
from khazana.statement.envelope import NetworkName, Statement, make_statement, write_statement
from khazana.statement.wire import NetworkFile
from khazana.supervision.coverage.parts import (
    FORMAT,
    AssetBody,
    AttestedBody,
    Body,
    BranchBody,
    CoinBody,
    DescriptorBody,
    DrawBody,
    HeaderBody,
    ProviderBody,
    WalletBody,
    status_of,
)
from khazana.supervision.coverage.reading import CoverageStatement, read_coverage
from khazana.supervision.coverage.snapshot import Draw
from khazana.supervision.solvency.epoch import Block, Epoch, part_bodies
from khazana.supervision.solvency.plan import BITCOIN
from khazana.units import Height

USUAL_WATCH = 144


@dataclass(eq=False, kw_only=True)
class CoverageNotMade(KhazanaError):
    """What was given does not make one statement."""

    problem: str
    code = "coverage_not_made"
    words = "No coverage statement can be made of this: {problem}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What a bank or custodian holds, as its paper says; amount in the asset's smallest unit."""

    id: str
    asset: str
    kind: str
    holder: str
    amount: int
    document: str
    file_sha256: str | None


def make_coverage(
    office: Office,
    epoch: Epoch,
    *,
    chain: ChainView,
    block: BlockRef,
    snapshot: Draw,
    next_draw: Draw | None,
    fingerprint: str | None,
    salt_seed: bytes,
    attested: Sequence[Attested] = (),
    offers: Mapping[str, int] | None = None,
    previous: CoverageStatement | None = None,
    watch: int = USUAL_WATCH,
    last: bool = False,
) -> Statement:
    """The unsigned statement at `block`, with the coins that the chain shows there.

    office: the provider's wallets. offers: scale by asset, for assets without a tree or an attested
    line. previous: of the epoch before. next_draw: announced here, before its window begins; only
    the `last` statement of a provider has none. salt_seed: secret random bytes, new for each one.
    Raises CoverageNotMade, BlockNotInBestChain.
    """
    tip = chain.tip()
    _require_one_block(epoch, block, tip, chain)
    _require_announced(next_draw, tip, last=last)
    wallets = list(_wallets(office, chain, block))
    lines = [_attested(each, block) for each in attested]
    if len({line.id for line in lines}) != len(lines):
        raise CoverageNotMade(problem="two attested lines have one id")
    assets = list(_assets(epoch, wallets, lines, offers or {}))
    bodies = part_bodies(epoch)
    parts: list[tuple[str, dict[str, Any]]] = [("epoch", bodies["solvency-epoch"])]
    parts += [(tree.name, bodies[tree.name]) for tree in epoch.trees]
    parts += [(f"asset/{asset.asset}", _json(asset)) for asset in assets]
    parts += [(f"wallet/{wallet.id}", _json(wallet)) for wallet in wallets]
    parts += [(f"descriptor/{each.wallet}", _json(each)) for each in _descriptors(office)]
    parts += [(f"attested/{line.id}", _json(line)) for line in lines]
    counts: dict[str, int] = {}
    for name, _ in parts:
        kind = name.partition("/")[0]
        counts[kind] = counts.get(kind, 0) + 1
    network = NetworkName(office.network.name, office.network.genesis)
    header = HeaderBody(
        coverage=FORMAT,  # type: ignore[arg-type]
        office=ProviderBody(
            id=office.id, name=dict(office.name), fingerprint=fingerprint, notice=office.notice
        ),
        licence=epoch.provider.licence,
        network=NetworkFile(network.name, network.genesis),
        test=epoch.test,
        epoch=epoch.epoch,
        block=_block(block),
        block_mtp=median_time_of(chain, block),
        tip=_block(tip),
        min_depth=max(LEAST_DEPTH, office.rules.min_depth),
        watch=watch,
        snapshot=_draw(snapshot),
        next=None if next_draw is None else _draw(next_draw),
        previous=None if previous is None else previous.root,
        parts=dict(sorted(counts.items())),
    )
    made = make_statement(
        network=network, test=epoch.test, header=_json(header), parts=parts, salt_seed=salt_seed
    )
    return read_coverage(write_statement(made)).envelope


def median_time_of(chain: ChainView, block: BlockRef) -> str:
    """A block's median time past (BIP-113), as it stands in statements."""
    first = Height(max(0, block.height - MEDIAN_OF + 1))
    return utc_text(datetime.fromtimestamp(median_time_past(chain.headers(first, block)), UTC))


def _require_one_block(epoch: Epoch, block: BlockRef, tip: BlockRef, chain: ChainView) -> None:
    if epoch.block != _block(block):
        problem = f"balances are of block {epoch.block.height} ({epoch.block.hash}), the snapshot "
        raise CoverageNotMade(problem=f"{problem}drawn is block {block}")
    if epoch.genesis != chain.network.genesis:
        raise CoverageNotMade(problem=f"the balances are not of {chain.network.name}")
    if tip.height - block.height + 1 < LEAST_DEPTH:
        problem = f"block {block.height} is not {LEAST_DEPTH} deep yet"
        raise CoverageNotMade(problem=problem)


def _require_announced(next_draw: Draw | None, tip: BlockRef, *, last: bool) -> None:
    """Without an announcement in time the provider could choose its next block (rule V12)."""
    if (next_draw is None) != last:
        problem = "it announces the next draw, or is said to be the last: one of both"
        raise CoverageNotMade(problem=problem)
    if next_draw is not None and next_draw.announced - next_draw.window <= tip.height:
        problem = f"the next window begins at or before the tip, block {tip.height}"
        raise CoverageNotMade(problem=problem)


def _wallets(office: Office, chain: ChainView, block: BlockRef) -> Iterator[WalletBody]:
    every = [script for wallet in office.wallets for script in wallet.scripts]
    if len(set(every)) != len(every):
        raise CoverageNotMade(problem="two wallets declare one script")
    coins = chain.coins_at(every, block) if every else ()
    for wallet in office.wallets:
        yield _wallet(wallet, coins)


def _wallet(wallet: Wallet, coins: Collection[Coin]) -> WalletBody:
    places = {script: place for place, script in enumerate(wallet.scripts)}
    held = [
        CoinBody(
            outpoint=str(coin.outpoint),
            amount=coin.amount,
            block=_block(coin.block),
            script=places[coin.script],
        )
        for coin in coins
        if coin.script in places
    ]
    return WalletBody(
        id=wallet.id,
        name=dict(wallet.name),
        scripts=[script.hex() for script in wallet.scripts],
        coins=sorted(held, key=lambda coin: coin.outpoint),
        total=sum(coin.amount for coin in held),
    )


def _descriptors(office: Office) -> Iterator[DescriptorBody]:
    for wallet in office.wallets:
        source = office.sources[wallet.id]
        if isinstance(source, DescriptorSource):
            yield DescriptorBody(
                wallet=wallet.id,
                descriptor=source.descriptor,
                branches=[BranchBody(branch=b.branch, stop=b.stop) for b in source.branches],
            )


def _attested(line: Attested, block: BlockRef) -> AttestedBody:
    return AttestedBody(
        id=line.id,
        asset=line.asset,
        kind=line.kind,  # type: ignore[arg-type]
        holder=line.holder,
        amount=line.amount,
        document=line.document,
        file_sha256=line.file_sha256,
        as_of=_block(block),
        grade="D" if line.file_sha256 is None else "C",
    )


def _assets(
    epoch: Epoch,
    wallets: Sequence[WalletBody],
    lines: Sequence[AttestedBody],
    offers: Mapping[str, int],
) -> Iterator[AssetBody]:
    """Every asset that has a tree, coins or an attested line, or that the provider offers."""
    scales = dict(offers)
    for tree in epoch.trees:
        if scales.setdefault(tree.asset, tree.scale) != tree.scale:
            raise CoverageNotMade(problem=f"{tree.asset} has two scales")
    if wallets:
        scales.setdefault(BITCOIN.name, BITCOIN.scale)
    for line in lines:
        if line.asset not in scales:
            problem = f"nothing says how many decimals {line.asset} has, which {line.id} holds"
            raise CoverageNotMade(problem=problem)
    sums = {tree.name: tree.sum for tree in epoch.trees}
    for asset in sorted(scales):
        owed = sums.get(f"liabilities/{asset}")
        proved = sum(wallet.total for wallet in wallets) if asset == BITCOIN.name else 0
        attested = sum(line.amount for line in lines if line.asset == asset)
        yield AssetBody(
            asset=asset,
            scale=scales[asset],
            owed=owed,
            debts=sums.get(f"debts/{asset}"),
            proved=proved,
            attested=attested,
            status=status_of(owed=owed, proved=proved, attested=attested),
        )


def _block(block: BlockRef) -> Block:
    return Block(hash=block.hash, height=block.height)


def _draw(draw: Draw) -> DrawBody:
    return DrawBody(announced=draw.announced, window=draw.window)


def _json(body: Body) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.to_builtins(body)
    return content
