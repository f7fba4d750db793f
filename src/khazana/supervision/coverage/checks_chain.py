"""Checks that ask the chain: network, the drawn block, scripts, coins, and what was borrowed."""

from collections.abc import Iterator
from dataclasses import dataclass

from khazana.bitcoin.chain import BasisKind, BlockRef, HeightBeyondTip
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.transaction import OutPoint
from khazana.ledger.findings import Finding
from khazana.supervision.coverage.case import FILE, Answer, Case
from khazana.supervision.coverage.make import median_time_of
from khazana.supervision.coverage.parts import LEAST_WATCH, LEAST_WINDOW
from khazana.supervision.coverage.reading import block_ref
from khazana.supervision.coverage.snapshot import Draw
from khazana.supervision.solvency.plan import BITCOIN

UNDECLARED_LIMIT = "Coins outside the declared wallets, and debts off the books, cannot be seen."
BEFOREHAND_LIMIT = (
    "That the draw was announced before its window began is seen only from the statement before "
    "(--previous), or by who read the announcement then."
)
BORROWED_LIMIT = (
    "Coins lent for longer than the blocks watched, and promises to give them back, are not seen."
)


def network(case: Case) -> Answer:
    """Rule V1: the statement speaks of the network that the source serves."""
    chain, stated = case.required_chain(), case.statement.header.network
    findings = []
    if stated.genesis != chain.network.genesis:
        text = f"the statement is about {stated.name}, the source serves {chain.network.name}"
        findings.append(Finding("V1", text, "the header"))
    return Answer(str(chain.basis), stated.name, findings)


def snapshot(case: Case) -> Answer:
    """Rule V1: the block stands, deep enough, and is the one that the later hash draws."""
    chain, header = case.required_chain(), case.statement.header
    findings = list(_stands(case))
    if not findings:
        findings = list(_drawn(case))
    limits = [BEFOREHAND_LIMIT]
    few = f"a window of {header.snapshot.window} blocks; {LEAST_WINDOW} are the least"
    if header.snapshot.window < LEAST_WINDOW and header.test:
        limits.append(f"The block was drawn from {few} off test networks.")
    elif header.snapshot.window < LEAST_WINDOW:
        findings.append(Finding("V1", few, "the header"))
    if chain.basis.kind is BasisKind.WORD_OF:
        limits.append("Which chain is the best one is the source's word.")
    good = (
        f"block {header.block.height} is drawn by the hash of block {header.snapshot.announced} "
        f"among {header.snapshot.window}"
    )
    return Answer(str(chain.basis), good, findings, tuple(limits))


def _stands(case: Case) -> Iterator[Finding]:
    chain, header = case.required_chain(), case.statement.header
    block = block_ref(header.block)
    try:
        best = chain.block_at(block.height)
    except HeightBeyondTip as error:
        yield Finding("V1", str(error).rstrip("."), "the header")
        return
    if best != block:
        text = f"block {block.hash} is not the best chain's at height {block.height}: {best.hash}"
        yield Finding("V1", text, "the header")
        return
    tip = chain.tip()
    for where, height in (("the header", header.tip.height), ("the chain", tip.height)):
        depth = height - block.height + 1
        if depth < header.min_depth:
            text = f"the block is {depth} deep, less than the stated {header.min_depth}"
            yield Finding("V1", text, where)
    found = median_time_of(chain, block)
    if found != header.block_mtp:
        text = f"its median time past is stated as {header.block_mtp}, the chain has {found}"
        yield Finding("V1", text, "the header")


def _drawn(case: Case) -> Iterator[Finding]:
    header = case.statement.header
    draw = Draw(announced=header.snapshot.announced, window=header.snapshot.window)
    drawing: BlockRef = case.block_at(draw.announced)
    due = draw.height(drawing.hash)
    if due != header.block.height:
        text = (
            f"the hash of block {draw.announced} draws block {due}, the statement is of block "
            f"{header.block.height}"
        )
        yield Finding("V1", text, "the header")
    if header.tip.height < draw.announced:
        text = f"it was made at block {header.tip.height}, before {draw.announced} was found"
        yield Finding("V1", text, "the header")


def scripts(case: Case) -> Answer:
    """Rule V8: no script is declared twice; descriptors give exactly the scripts listed."""
    case.require("wallet")
    findings = []
    owner: dict[str, str] = {}
    for wallet in case.statement.wallets.values():
        for script in wallet.scripts:
            if script in owner:
                text = f"script {script} is declared by {owner[script]} already"
                findings.append(Finding("V8", text, f"wallet/{wallet.id}"))
            owner.setdefault(script, wallet.id)
    for body in case.statement.descriptors.values():
        listed = case.statement.wallets[body.wallet].scripts
        # Counted first: a range of millions that the wallet does not list is never derived.
        if sum(branch.stop for branch in body.branches) != len(listed) or listed != [
            script.hex()
            for branch in body.branches
            for script in case.engine.derive(
                parse_descriptor(body.descriptor, case.network),
                branch=branch.branch,
                start=0,
                stop=branch.stop,
            )
        ]:
            text = "the scripts listed are not those that the descriptor gives"
            findings.append(Finding("V8", text, f"wallet/{body.wallet}"))
    good = f"{len(owner)} scripts of {len(case.statement.wallets)} wallets, each once"
    return Answer(FILE, good, findings, (UNDECLARED_LIMIT,))


def coins(case: Case) -> Answer:
    """Rule V9: the chain shows exactly the coins stated, unspent at the end of the block."""
    chain = case.required_chain()
    shown = {
        str(coin.outpoint): (coin.amount, coin.block, coin.script.hex()) for coin in case.coins
    }
    findings, stated = [], set()
    for wallet in case.statement.wallets.values():
        for coin in wallet.coins:
            where = f"wallet/{wallet.id}"
            if coin.outpoint in stated:
                findings.append(Finding("V9", f"coin {coin.outpoint} stands twice", where))
            stated.add(coin.outpoint)
            said = (coin.amount, block_ref(coin.block), wallet.scripts[coin.script])
            found = shown.get(coin.outpoint)
            if found is None:
                text = f"coin {coin.outpoint} ({coin.amount} sat) is not there"
                findings.append(Finding("V9", text, where))
            elif found != said:
                text = f"coin {coin.outpoint}: stated {_coin(said)}, the chain has {_coin(found)}"
                findings.append(Finding("V9", text, where))
    for outpoint in sorted(shown.keys() - stated):
        text = f"coin {outpoint} ({shown[outpoint][0]} sat) of the declared scripts is not stated"
        findings.append(Finding("V9", text, "wallets"))
    total = sum(amount for amount, _, _ in shown.values())
    good = f"{len(shown)} coins, {total} sat, at the end of block {case.statement.block.height}"
    return Answer(str(chain.basis), good, findings, (UNDECLARED_LIMIT,))


def _coin(said: tuple[int, BlockRef, str]) -> str:
    return f"{said[0]} sat since block {said[1].height} on script {said[2]}"


@dataclass(frozen=True)
class Around:
    """The declared scripts around the snapshot. lasting: what lay there before and after, too.

    flagged: coins younger than the blocks watched that left within as many, with their amounts.
    """

    held: int
    lasting: int
    flagged: tuple[tuple[OutPoint, int], ...]


def around(case: Case) -> Around:
    """Follow the declared scripts from `watch` blocks before the block to as many after.

    What lasts is the larger of the lowest balances on both sides: a loan is in neither, however
    often it was moved about meanwhile.
    """
    chain, header, block = case.required_chain(), case.statement.header, case.statement.block
    last = case.block_at(block.height + header.watch)
    first = case.block_at(max(0, block.height - header.watch))
    declared = case.scripts
    coins = {coin.outpoint: int(coin.amount) for coin in chain.coins_at(list(declared), first)}
    young: set[OutPoint] = set()
    flagged: list[tuple[OutPoint, int]] = []
    # Balances at the ends of blocks: what comes and goes within one block is never held.
    ends = {int(first.height): sum(coins.values())}
    for confirmed in chain.history(list(declared), first, last):
        height, transaction = confirmed.block.height, confirmed.transaction
        for spent in transaction.inputs:
            amount = coins.pop(spent.outpoint, None)
            if amount is not None and height > block.height and spent.outpoint in young:
                flagged.append((spent.outpoint, amount))
        for vout, output in enumerate(transaction.outputs):
            if output.script in declared:
                coins[transaction.outpoint(vout)] = int(output.amount)
                if height <= block.height:
                    young.add(transaction.outpoint(vout))
        ends[height] = sum(coins.values())
    before = [held for height, held in ends.items() if height <= block.height]
    after = [before[-1], *(held for height, held in ends.items() if height > block.height)]
    return Around(before[-1], max(min(before), min(after)), tuple(flagged))


def borrowed(case: Case) -> Answer:
    """Rule V10: without coins that only came for the snapshot, what is covered stays covered."""
    case.require("asset")
    chain, header = case.required_chain(), case.statement.header
    found = around(case)
    bitcoin = case.statement.assets.get(BITCOIN.name)
    findings, limits = [], [BORROWED_LIMIT]
    few = f"{header.watch} blocks are watched; {LEAST_WATCH} are the least"
    if header.watch < LEAST_WATCH and header.test:
        limits.append(f"Only {few} off test networks.")
    elif header.watch < LEAST_WATCH:
        findings.append(Finding("V10", few, "the header"))
    if bitcoin is not None and bitcoin.owed is not None and bitcoin.status != "not_covered":
        rest = found.lasting + bitcoin.attested
        if rest < bitcoin.owed:
            names = ", ".join(str(outpoint) for outpoint, _ in found.flagged[:5])
            text = (
                f"{found.held - found.lasting} sat came within {header.watch} blocks before and "
                f"left within {header.watch} after; without them {rest} sat cover {bitcoin.owed} "
                f"(young coins that left: {names or 'none, others left instead'})"
            )
            findings.append(Finding("V10", text, f"asset/{BITCOIN.name}"))
    gone = sum(amount for _, amount in found.flagged)
    good = (
        f"{len(found.flagged)} coins of {gone} sat came and left within {header.watch} blocks of "
        f"the snapshot; {found.lasting} of {found.held} sat were there before or stayed"
    )
    return Answer(str(chain.basis), good, findings, tuple(limits))
