"""An epoch of a provider: balances, trees, coins at the same block, slips, the regulator."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from khazana import __version__
from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.network import REGTEST
from khazana.cli.coverage_control import campaign_of_coverage
from khazana.cli.demo.deriving import resolved
from khazana.cli.demo.providers.customers import Balance, balances, extract_csv
from khazana.cli.demo.providers.provider import Provider
from khazana.cli.demo.providers.regulator import Regulator
from khazana.cli.demo.proving import signed_by_devices
from khazana.cli.files import write_whole
from khazana.cli.offices import office_file
from khazana.custody.collect import collect
from khazana.custody.control_evidence import control_evidence
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.dsse import sign
from khazana.statement.envelope import Evidence, Statement, with_evidence, write_statement
from khazana.statement.evidence import identity_evidence
from khazana.statement.identity import Office
from khazana.statement.signatures import joined_evidence, sign_statement
from khazana.supervision.coverage.countersign import attach_recomputation
from khazana.supervision.coverage.make import Attested, make_coverage
from khazana.supervision.coverage.reading import CoverageStatement, read_coverage
from khazana.supervision.coverage.snapshot import Draw, draw_block
from khazana.supervision.solvency.build import Made, build_plainly
from khazana.supervision.solvency.epoch import (
    PAYLOAD_TYPE,
    Block,
    BuiltTree,
    Epoch,
    epoch_bytes,
    make_epoch,
)
from khazana.supervision.solvency.epoch import Provider as Named
from khazana.supervision.solvency.plan import BITCOIN, Plan, Splitting, TreeId, tree_key
from khazana.supervision.solvency.prove import slips_of
from khazana.supervision.solvency.recompute import countersigned, recomputation
from khazana.supervision.solvency.sections import build_trees, level_file, tree_file, trees_in
from khazana.supervision.solvency.tree_file import opened
from khazana.units import Sats

SOFTWARE = f"khazana {__version__}"
BITCOINS = "liabilities/BTC"
KEYS, EPOCH, COVERAGE = "tree-keys.txt", "epoch.json", "coverage.json"
EXTRACT, RECOMPUTED, LETTER = "extract.csv", "recomputed.json", "letter-of-the-bank.txt"
BANK = "Bank C (invented)"
WATCH = 2
"""Blocks before and after the snapshot in which coins that come and go are looked for."""
SPLITTING = Splitting(shares=2, most_per_leaf=BITCOIN.most)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Which epoch, of which block. before: the epoch before. draw, next_draw: of this snapshot, and
    of the next one, announced here. told_percent: the share of the bitcoin owed that the statement
    owns up to; less than all of it is the lie.
    """

    number: int
    at: datetime
    draw: Draw
    next_draw: Draw
    before: "Published | None"
    told_percent: int = 100


@dataclass(frozen=True, kw_only=True)
class Published:
    """An epoch as it was published."""

    number: int
    folder: Path
    epoch: Epoch
    coverage: CoverageStatement
    made: Mapping[str, Made]
    plans: Mapping[str, Plan]
    held: Sequence[Balance]


def publish_epoch(
    provider: Provider, identity: Office, folder: Path, chain: ChainView, ask: Ask
) -> Published:
    """Everything of an epoch: from the extract to the signed coverage statement."""
    place = folder / f"{ask.number:04}"
    held = balances(provider.licensed.slug, ask.number)
    money = provider.licensed.money
    extract = place / EXTRACT
    write_whole(extract, extract_csv(held, money), mode=0o600)
    plans: dict[str, Plan] = {}

    def plan(tree: TreeId) -> Plan:
        key = tree_key(provider.master, tree)
        plans[tree.name] = Plan(tree=tree, key=key, splitting=SPLITTING)
        return plans[tree.name]

    assets = {asset.name: asset for asset in (BITCOIN, money)}
    trees = trees_in(extract, assets=assets, epoch=ask.number)
    made = build_trees(extract, trees, place, plan=plan, using=build_plainly)
    block = draw_block(chain, ask.draw)
    epoch = make_epoch(
        [_told(each.built, ask.told_percent) for each in made.values()],
        provider=Named(licence=provider.licensed.licence, name=provider.licensed.name["en"]),
        block=Block(hash=block.hash, height=block.height),
        genesis=REGTEST.genesis,
        test=True,
        epoch=ask.number,
        previous=None if ask.before is None else ask.before.epoch,
        reserves=None,
        software=SOFTWARE,
    )
    (signer,) = provider.officers.signers("statement")
    envelope = sign(PAYLOAD_TYPE, epoch_bytes(epoch), signer)
    write_whole(place / EPOCH, json.dumps(envelope.to_json(), indent=1).encode() + b"\n")
    for name, each in made.items():
        write_whole(level_file(place, name), each.level)
    keys = "".join(f"{name} {each.key.hex()}\n" for name, each in plans.items())
    write_whole(place / KEYS, keys.encode(), mode=0o600)
    coverage = _coverage(provider, identity, folder, chain, epoch, block, ask)
    write_whole(place / COVERAGE, write_statement(coverage))
    return Published(
        number=ask.number,
        folder=place,
        epoch=epoch,
        coverage=read_coverage(write_statement(coverage)),
        made=made,
        plans=plans,
        held=held,
    )


def _told(built: BuiltTree, percent: int) -> BuiltTree:
    """The tree as the statement tells it; the root's hash stays, and gives the lie away."""
    if built.tree.name != BITCOINS:
        return built
    return replace(built, root=built.root._replace(sum=built.root.sum * percent // 100))


def _coverage(
    provider: Provider,
    identity: Office,
    folder: Path,
    chain: ChainView,
    epoch: Epoch,
    block: BlockRef,
    ask: Ask,
) -> Statement:
    """The provider's coverage statement, signed by its key."""
    closed = provider.stage.timeline.instant(block.height)
    office_toml = provider.books.write(folder, closed=closed)
    provider.books.write_papers(folder)
    slug = provider.licensed.slug
    made = make_coverage(
        resolved(office_file(str(office_toml)), chain),
        epoch,
        chain=chain,
        block=block,
        snapshot=ask.draw,
        next_draw=ask.next_draw,
        fingerprint=identity.fingerprint,
        # In earnest 32 random bytes; here the same in every run, so that runs can be compared.
        salt_seed=hashlib.sha256(f"khazana demo salts {slug} {ask.number}".encode()).digest(),
        attested=[_letter(provider, epoch, folder / f"{ask.number:04}")],
        offers={"USDT": 6},
        previous=None if ask.before is None else ask.before.coverage,
        watch=WATCH,
    )
    made = with_evidence(made, _proof_of_control(provider, made, chain, folder, ask.number))
    for key in provider.officers.signers("statement"):
        made = joined_evidence(made, sign_statement(made, identity, key, at=ask.at))
    return with_evidence(made, identity_evidence(made, identity))


def _proof_of_control(
    provider: Provider, made: Statement, chain: ChainView, folder: Path, number: int
) -> Evidence:
    """The coins' own quorum signs for the statement; its devices' files lie beside the books."""
    campaign = campaign_of_coverage(read_coverage(write_statement(made)), chain)
    for each in campaign.rounds:
        write_whole(folder / "control" / f"{number:04}" / f"{each.name}.psbt", each.psbt)
    done = collect(campaign, list(signed_by_devices(campaign, provider.books)))
    if not done.complete or campaign.unplanned:
        raise ValueError(f"the quorum of {provider.licensed.slug} did not sign")
    return control_evidence(done, made, REGTEST)


def _letter(provider: Provider, epoch: Epoch, place: Path) -> Attested:
    """What a bank writes that it holds for the customers: an invented paper with its hash."""
    money = provider.licensed.money
    owed = next(tree.sum for tree in epoch.trees if tree.asset == money.name)
    text = f"{BANK}: at block {epoch.block.height} we hold {owed} smallest units of {money.name} "
    text += f"for the customers of {provider.licensed.name['en']}.\n{TEST_NOTICE}\n"
    write_whole(place / LETTER, text.encode())
    return Attested(
        id="client-money",
        asset=money.name,
        kind="bank",
        holder=BANK,
        amount=Sats(owed),
        document=f"Letter of the bank, epoch {epoch.epoch}",
        file_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def countersign(published: Published, regulator: Regulator) -> None:
    """The regulator builds the trees again from the extract, and signs that they are equal."""
    again = published.folder / ".again"
    again.mkdir()
    extract = published.folder / EXTRACT
    plans = published.plans
    assets = {plan.tree.asset.name: plan.tree.asset for plan in plans.values()}
    trees = trees_in(extract, assets=assets, epoch=published.number)
    made = build_trees(
        extract, trees, again, plan=lambda tree: plans[tree.name], using=build_plainly
    )
    for name in made:
        tree_file(again, name).unlink()
    again.rmdir()
    found = recomputation(published.epoch, made, software=SOFTWARE)
    envelope = countersigned(found, regulator.key)
    raw = json.dumps(envelope.to_json(), indent=1).encode()
    write_whole(published.folder / RECOMPUTED, raw + b"\n")
    statement = attach_recomputation(published.coverage.envelope, envelope)
    write_whole(published.folder / COVERAGE, write_statement(statement))


def write_slips(published: Published, customers: Sequence[str]) -> None:
    """Slips of a few customers, as files and as texts to paste."""
    name, epoch = BITCOINS, published.epoch
    path, leaves = tree_file(published.folder, name), published.made[name].built.leaves
    with opened(path, leaves=leaves, epoch=epoch.epoch) as tree:
        found = slips_of(
            customers,
            extract=published.folder / EXTRACT,
            plan=published.plans[name],
            tree=tree,
            epoch=epoch,
            to_root=False,
        )
    for customer, slip in found:
        file = published.folder / "slips" / f"{customer}.slip"
        write_whole(file, slip.to_bytes(), mode=0o600)
        write_whole(file.with_suffix(".txt"), slip.to_qr_text().encode() + b"\n", mode=0o600)


def public_files(published: Published) -> list[Path]:
    """What everybody is given; the rest is the provider's, the regulator's and customers'."""
    names = [EPOCH, COVERAGE, RECOMPUTED, LETTER]
    paths = [published.folder / name for name in names]
    return [path for path in paths if path.exists()] + [
        level_file(published.folder, name) for name in published.made
    ]
