"""An epoch of a provider: balances, tree, reserves at the same block, slips, the regulator."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana import __version__
from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.network import REGTEST
from khazana.cli.demo.providers.customers import Balance, balances, extract_csv
from khazana.cli.demo.providers.provider import Provider
from khazana.cli.demo.proving import prove
from khazana.cli.demo.publish import Ask, Publisher
from khazana.cli.files import write_whole
from khazana.reserve.reading import ReserveStatement
from khazana.statement.dsse import sign
from khazana.statement.envelope import write_statement
from khazana.supervision.solvency.build import Made, build_plainly, build_tree
from khazana.supervision.solvency.epoch import (
    PAYLOAD_TYPE,
    Block,
    Epoch,
    Reserves,
    epoch_bytes,
    make_epoch,
)
from khazana.supervision.solvency.epoch import Provider as Named
from khazana.supervision.solvency.plan import (
    BITCOIN,
    LIABILITIES,
    Plan,
    Splitting,
    TreeId,
    tree_key,
)
from khazana.supervision.solvency.prove import slip_of
from khazana.supervision.solvency.recompute import countersigned, recomputation
from khazana.supervision.solvency.tree_file import opened

SOFTWARE = f"khazana {__version__}"
TREE = "liabilities-BTC"
LEVEL, TREE_FILE, KEYS = f"{TREE}.level.bin", f"{TREE}.tree.bin", "tree-keys.txt"
EPOCH, STATEMENT, EXTRACT, RECOMPUTED = (
    "epoch.json",
    "statement.json",
    "extract.csv",
    "recomputed.json",
)
PUBLIC = (EPOCH, LEVEL, STATEMENT, RECOMPUTED)
"""Files of an epoch that everybody is given; the rest is the provider's and the regulator's."""
SPLITTING = Splitting(shares=2, most_per_leaf=BITCOIN.most)


@dataclass(frozen=True, kw_only=True)
class Published:
    """An epoch as it was published."""

    number: int
    folder: Path
    epoch: Epoch
    reserves: ReserveStatement
    plan: Plan
    made: Made
    held: Sequence[Balance]


def publish_epoch(
    provider: Provider,
    publisher: Publisher,
    folder: Path,
    chain: ChainView,
    *,
    number: int,
    after: int,
    block: int,
    at: datetime,
    before: Published | None,
    told_percent: int = 100,
) -> Published:
    """Everything of an epoch: from the extract to the signed statement, with proofs of control.

    block: the snapshot's height. told_percent: the share of the root's sum that the statement
    owns up to; less than all of it is the lie.
    """
    place = folder / f"{number:04}"
    held = balances(provider.licensed.slug, number)
    write_whole(place / EXTRACT, extract_csv(held), mode=0o600)
    tree = TreeId(asset=BITCOIN, kind=LIABILITIES, epoch=number)
    plan = Plan(tree=tree, key=tree_key(provider.master, tree), splitting=SPLITTING)
    made = build_tree(place / EXTRACT, plan, place / TREE_FILE, using=build_plainly)
    reserves = _reserves(
        provider, publisher, folder, chain, number=number, after=after, block=block, at=at,
        previous=None if before is None else before.reserves.root,
    )  # fmt: skip
    until = reserves.header.period.until
    snapshot = Block(hash=until.hash, height=until.height)
    honest = made.built
    told = replace(honest, root=honest.root._replace(sum=honest.root.sum * told_percent // 100))
    epoch = make_epoch(
        [told],
        provider=Named(licence=provider.licensed.licence, name=provider.licensed.name["en"]),
        block=snapshot,
        genesis=REGTEST.genesis,
        test=True,
        epoch=number,
        previous=None if before is None else before.epoch,
        reserves=Reserves(block=snapshot, root=reserves.root),
        software=SOFTWARE,
    )
    (signer,) = provider.officers.signers("statement")
    envelope = sign(PAYLOAD_TYPE, epoch_bytes(epoch), signer)
    write_whole(place / EPOCH, json.dumps(envelope.to_json(), indent=1).encode() + b"\n")
    write_whole(place / LEVEL, made.level)
    write_whole(place / KEYS, f"{tree.name} {plan.key.hex()}\n".encode(), mode=0o600)
    write_whole(place / STATEMENT, write_statement(reserves.envelope))
    return Published(
        number=number, folder=place, epoch=epoch, reserves=reserves, plan=plan, made=made, held=held
    )


def _reserves(
    provider: Provider,
    publisher: Publisher,
    folder: Path,
    chain: ChainView,
    *,
    number: int,
    after: int,
    block: int,
    at: datetime,
    previous: str | None,
) -> ReserveStatement:
    """The provider's own statement of its coins, signed by their quorum too."""
    office_toml = provider.books.write(folder, closed=provider.stage.timeline.instant(block))
    provider.books.write_papers(folder)
    ask = Ask(number=number, after=after, until=block, at=at, previous=previous)
    statement, _ = publisher.statement(office_toml, chain, ask)
    return prove(statement, provider.books, chain, folder / "control" / f"{number:04}").statement


def countersign(published: Published, regulator: Ed25519PrivateKey) -> None:
    """The regulator builds the tree again from the extract, and signs that it is equal."""
    again = published.folder / ".again.bin"
    made = build_tree(published.folder / EXTRACT, published.plan, again, using=build_plainly)
    again.unlink()
    found = recomputation(published.epoch, {made.built.tree.name: made}, software=SOFTWARE)
    raw = json.dumps(countersigned(found, regulator).to_json(), indent=1).encode()
    write_whole(published.folder / RECOMPUTED, raw + b"\n")


def write_slips(published: Published, customers: Sequence[str]) -> list[Path]:
    """Slips of a few customers, as files and as texts to paste."""
    files = []
    leaves, epoch = published.made.built.leaves, published.epoch
    with opened(published.folder / TREE_FILE, leaves=leaves, epoch=epoch.epoch) as tree:
        for customer in customers:
            slip = slip_of(
                customer,
                extract=published.folder / EXTRACT,
                plan=published.plan,
                tree=tree,
                epoch=epoch,
                to_root=False,
            )
            path = published.folder / "slips" / f"{customer}.slip"
            write_whole(path, slip.to_bytes(), mode=0o600)
            write_whole(path.with_suffix(".txt"), slip.to_qr_text().encode() + b"\n", mode=0o600)
            files.append(path)
    return files
