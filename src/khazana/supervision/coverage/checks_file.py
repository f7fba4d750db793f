"""Checks of what the statement says: one block, totals, published levels, slips, status, papers."""

from collections.abc import Iterator

from khazana.errors import KhazanaError
from khazana.ledger.findings import Finding
from khazana.supervision.coverage.case import FILE, Answer, Case, NotGiven, OnlyAttested
from khazana.supervision.coverage.parts import DEBTS, LIABILITIES, AssetBody, status_of
from khazana.supervision.solvency.check import read_level
from khazana.supervision.solvency.epoch import Epoch
from khazana.supervision.solvency.errors import ProofRejected, Reason
from khazana.supervision.solvency.plan import BITCOIN
from khazana.supervision.solvency.slip import read_slip, slip_bytes

TREE_LIMIT = (
    "A root does not show that every customer is in it: an omission is found by customers who "
    "check, and by the regulator who builds the tree again from the extract."
)

KEYS_LIMIT = "That the provider can move the declared coins is shown by the check `control` alone."


def same_block(case: Case) -> Answer:
    """Rule V2: balances, coins and papers are of the statement's one block."""
    case.require("epoch", "attested")
    header = case.statement.header
    findings = []
    (epoch,) = case.statement.bodies["epoch"]
    stated = {"height": header.block.height, "hash": header.block.hash}
    if epoch.block != stated:
        text = f"balances are of block {_said(epoch.block)}, reserves of block {_said(stated)}"
        findings.append(Finding("V2", text, "part epoch"))
    for line in case.statement.attested.values():
        if line.as_of != header.block:
            text = f"it is as of block {line.as_of.height}, the statement of {header.block.height}"
            findings.append(Finding("V2", text, f"attested/{line.id}"))
    good = f"balances, coins and papers are all of block {header.block.height}"
    return Answer(FILE, good, findings)


def _said(block: dict[str, object]) -> str:
    return f"{block.get('height')} ({block.get('hash')})"


def totals(case: Case) -> Answer:
    """Rule V3: what is stated of an asset is its roots' sums, its coins and its papers."""
    case.require(LIABILITIES, DEBTS, "asset", "wallet", "attested")
    findings = list(_totals(case))
    count = len(case.statement.assets)
    good = f"the totals of {count} assets are their roots' sums, coins and papers"
    return Answer(FILE, good, findings, (TREE_LIMIT,))


def _totals(case: Case) -> Iterator[Finding]:
    statement = case.statement
    for tree in statement.trees.values():
        if tree.asset not in statement.assets:
            yield Finding("V3", f"{tree.name} has a tree, and {tree.asset} no line", "assets")
    for line in statement.attested.values():
        if line.asset not in statement.assets:
            yield Finding("V3", f"{line.asset} has no line", f"attested/{line.id}")
    for wallet in statement.wallets.values():
        found = sum(coin.amount for coin in wallet.coins)
        if found != wallet.total:
            text = f"its coins are {found}, it states {wallet.total}"
            yield Finding("V3", text, f"wallet/{wallet.id}")
    for asset in statement.assets.values():
        for what, stated, due in _figures(case, asset):
            if stated != due:
                text = f"{what} is stated as {_or_none(stated)}, the parts give {_or_none(due)}"
                yield Finding("V3", text, f"asset/{asset.asset}")


def _figures(case: Case, asset: AssetBody) -> Iterator[tuple[str, int | None, int | None]]:
    statement = case.statement
    owed = statement.trees.get(f"{LIABILITIES}/{asset.asset}")
    debts = statement.trees.get(f"{DEBTS}/{asset.asset}")
    coins = sum(wallet.total for wallet in statement.wallets.values())
    lines = [each for each in statement.attested.values() if each.asset == asset.asset]
    yield "owed", asset.owed, None if owed is None else owed.sum
    yield "debts", asset.debts, None if debts is None else debts.sum
    yield "proved", asset.proved, coins if asset.asset == BITCOIN.name else 0
    yield "attested", asset.attested, sum(line.amount for line in lines)


def _or_none(amount: int | None) -> str:
    return "nothing" if amount is None else str(amount)


def assets(case: Case) -> Answer:
    """Rule V4: each asset is called what its figures say. The word is never more than covered."""
    case.require("asset")
    height = case.statement.header.block.height
    findings, said = [], []
    for asset in case.statement.assets.values():
        due = status_of(owed=asset.owed, proved=asset.proved, attested=asset.attested)
        if due != asset.status:
            text = f"it is called {asset.status}, its figures say {due}"
            findings.append(Finding("V4", text, f"asset/{asset.asset}"))
        said.append(f"{asset.asset} {words_of(asset, height=height)}")
    return Answer(FILE, "; ".join(said) or "no asset is stated", findings, (KEYS_LIMIT,))


CONTROL_APART = "who controls the coins is another check"


def words_of(asset: AssetBody, *, height: int) -> str:
    """What one may say of an asset. Covered is about one block."""
    if asset.status == "proved":
        return f"covered at block {height} by declared coins on the chain; {CONTROL_APART}"
    if asset.status == "attested" and asset.proved == 0:
        return f"covered at block {height} on the word of banks or custodians alone"
    if asset.status == "attested":
        banks = "in part on the word of banks or custodians"
        return f"covered at block {height}, {banks}; {CONTROL_APART}"
    if asset.owed is None:
        return f"not covered at block {height}: nothing shows what is owed"
    missing = asset.owed - asset.proved - asset.attested
    return f"not covered at block {height}: {missing} of {asset.owed} units are missing"


def levels(case: Case) -> Answer:
    """Rule V5: the published level leads to the root, and adds up to the stated total."""
    if not case.levels:
        raise NotGiven(what="a published level (--level FILE)")
    epoch = case.epoch
    findings, done = [], []
    for name, raw in case.levels:
        found = [_level_problem(raw, epoch, number) for number in range(len(epoch.trees))]
        if None in found:
            done.append(epoch.trees[found.index(None)].name)
            continue
        other = [each for each in found if each and Reason.TOTAL_DIFFERS in each]
        problem = (other or [each for each in found if each])[0]
        findings.append(Finding("V5", problem or "", name))
    good = f"the levels of {', '.join(done)} lead to their roots and add up to the totals"
    return Answer(FILE, good, findings)


def _level_problem(raw: bytes, epoch: Epoch, number: int) -> str | None:
    try:
        read_level(raw, epoch=epoch, tree=number)
    except ProofRejected as rejected:
        return f"{rejected.reason}: {rejected.problem}"
    return None


def slips(case: Case) -> Answer:
    """Rule V6: what customers were given is of these roots, and not of roots for them alone."""
    if not case.slips and case.told is None:
        raise NotGiven(what="a slip (--slip FILE) or an epoch statement (--epoch FILE)")
    epoch = case.epoch
    findings = []
    if case.told is not None and case.told.digest != epoch.digest:
        text = f"{Reason.OTHER_STATEMENT}: it is {case.told.digest}, this holds {epoch.digest}"
        findings.append(Finding("V6", text, "the epoch statement given"))
    for name, raw in case.slips:
        try:
            _require_same_root(raw, epoch)
        except KhazanaError as error:
            findings.append(Finding("V6", str(error).rstrip("."), name))
    given = len(case.slips) + (case.told is not None)
    good = f"{given} files given to customers are of the roots of this statement"
    limit = "The slip's balance is checked with its words, by `khazana solvency check`."
    return Answer(FILE, good, findings, (limit,) if case.slips else ())


def _require_same_root(raw: bytes, epoch: Epoch) -> None:
    slip = read_slip(slip_bytes(raw))
    if slip.tree >= len(epoch.trees):
        problem = f"the statement has {len(epoch.trees)} trees, none with number {slip.tree}"
        raise ProofRejected(reason=Reason.NO_SUCH_TREE, problem=problem)
    head = epoch.trees[slip.tree]
    if slip.epoch != epoch.epoch:
        problem = f"the slip is of epoch {slip.epoch}, the statement of epoch {epoch.epoch}"
        raise ProofRejected(reason=Reason.OTHER_EPOCH, problem=problem)
    if slip.root.hex() != head.root:
        problem = f"the slip is for the root {slip.root.hex()}, the statement has {head.root}"
        raise ProofRejected(reason=Reason.OTHER_ROOT, problem=problem)


def attested(case: Case) -> Answer:
    """Rule V7: papers are graded for what they carry; their balances no chain shows."""
    case.require("attested")
    findings = []
    for line in case.statement.attested.values():
        due = "D" if line.file_sha256 is None else "C"
        if line.grade != due:
            text = f"grade {line.grade} needs a published hash; it is {due}"
            findings.append(Finding("V7", text, f"attested/{line.id}"))
    if findings:
        return Answer(FILE, "", findings)
    held = [each for each in case.statement.attested.values() if each.amount]
    if held:
        said = [f"{each.amount} units of {each.asset} at {each.holder}" for each in held]
        raise OnlyAttested(lines="; ".join(said))
    return Answer(FILE, "nothing rests on a bank's or custodian's word")
