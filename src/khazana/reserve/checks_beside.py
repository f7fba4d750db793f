"""The check against other publishers: no coin and no script may stand in two accounts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from khazana.errors import KhazanaError
from khazana.ledger.counted import Counted
from khazana.ledger.findings import Finding
from khazana.reserve.answers import Answer, answer
from khazana.reserve.case import Case, PartsWithheld
from khazana.reserve.reading import ReserveStatement

LIMIT = (
    "Only the statements that you brought were compared: a coin that yet another office counts, or "
    "counts in what it withholds, is not seen here."
)
NOT_VERIFIED = "The statements beside this one were read, not verified: verify each by itself."


@dataclass(eq=False, kw_only=True)
class NothingBeside(KhazanaError):
    """The reader gave no other office's statement to compare with."""

    code = "nothing_beside"
    words = "no other office's statement was given to compare with (--beside FILE)"


@dataclass(eq=False, kw_only=True)
class NotComparable(KhazanaError):
    """A statement that was given says nothing about the coins of this one."""

    root: str
    problem: str
    code = "not_comparable"
    words = "the statement with root {root} cannot be compared: {problem}"


def beside(case: Case) -> Answer:
    """Whether a coin or script of this statement stands in another office's as well (Rule R20)."""
    if not case.beside:
        raise NothingBeside()
    ours = case.statement
    case.require("coins")
    findings: list[Finding] = []
    limits = [LIMIT, NOT_VERIFIED]
    compared = []
    for other in case.beside:
        if isinstance(other, Counted):
            findings += _of_both(ours, other)
            limits += _not_seen_of(ours, other)
            compared.append(f"{other.name} at block {other.block.height}")
            continue
        height = _common_block(ours, other)
        if missing := other.withheld("coins"):
            raise PartsWithheld(kind="coins, in the statement beside,", missing=missing)
        findings += _coins_of_both(ours, other, height)
        findings += _scripts_of_both(ours, other)
        limits += _not_seen(ours, other, height)
        compared.append(f"{_name(other)} at block {height}")
    return answer(
        basis=f"the statements with roots {', '.join(other.root for other in case.beside)}",
        good=f"no coin or script stands in two statements; compared with {', '.join(compared)}",
        findings=findings,
        limits=tuple(dict.fromkeys(limits)),
    )


def _of_both(ours: ReserveStatement, other: Counted) -> Iterator[Finding]:
    """What a provider counts at a block, and this statement at the same, or the nearest it has."""
    if other.genesis != ours.header.network.genesis:
        raise NotComparable(root=other.root, problem="it is about another network")
    fingerprint = ours.header.office.fingerprint
    if fingerprint is not None and fingerprint == other.fingerprint:
        raise NotComparable(root=other.root, problem="it is by the same publisher")
    mine = coins_held_at(ours, _nearest(ours, other))
    for outpoint in sorted(mine.keys() & other.coins.keys()):
        text = (
            f"coin {outpoint} is counted by {other.name} too (wallet {other.coins[outpoint]}), at "
            f"block {other.block.height}"
        )
        yield Finding("R20", text, f"wallet {mine[outpoint]}")
    yield from _declared_twice(ours, other.scripts, other.name)


def _nearest(ours: ReserveStatement, other: Counted) -> int:
    period = ours.header.period
    return min(max(other.block.height, period.after.height), period.until.height)


def _not_seen_of(ours: ReserveStatement, other: Counted) -> Iterator[str]:
    if other.withheld:
        yield f"What {other.name} withholds was not compared."
    if ours.withheld("scripts"):
        yield f"Scripts that {_name(ours)} withholds were not compared."
    if _nearest(ours, other) != other.block.height:
        yield (
            f"{other.name} counts at block {other.block.height}, outside the period: a wallet "
            "handed over in between stands in both accounts."
        )
    elif other.block.height < ours.header.period.until.height and ours.withheld("entry"):
        yield (
            f"Coins that {_name(ours)} held at block {other.block.height} and spent before its "
            "closing were not compared: its entries are withheld."
        )


def _common_block(ours: ReserveStatement, other: ReserveStatement) -> int:
    """The height of the last block that both accounts speak of; refuses where there is none."""
    problem = None
    mine, theirs = ours.header, other.header
    first = max(mine.period.after.height, theirs.period.after.height)
    last = min(mine.period.until.height, theirs.period.until.height)
    if other.envelope.computed_root != other.root:
        problem = "its parts do not give its root"
    elif theirs.network.genesis != mine.network.genesis:
        problem = f"it is about {theirs.network.name}, this one about {mine.network.name}"
    elif _same_office(ours, other):
        problem = "it is by the same office; use --previous for the statement before"
    elif last < first:
        problem = "its period neither overlaps this one nor meets it"
    if problem is not None:
        raise NotComparable(root=other.root, problem=problem)
    return last


def _same_office(ours: ReserveStatement, other: ReserveStatement) -> bool:
    mine, theirs = ours.header.office, other.header.office
    if mine.fingerprint is not None and theirs.fingerprint is not None:
        return mine.fingerprint == theirs.fingerprint
    return mine.id == theirs.id


def _coins_of_both(
    ours: ReserveStatement, other: ReserveStatement, height: int
) -> Iterator[Finding]:
    mine, theirs = coins_held_at(ours, height), coins_held_at(other, height)
    for outpoint in sorted(mine.keys() & theirs.keys()):
        text = (
            f"coin {outpoint} stands in the statement of {_name(other)} (wallet {theirs[outpoint]})"
            f" as well, at block {height}"
        )
        yield Finding("R20", text, f"wallet {mine[outpoint]}")


def coins_held_at(statement: ReserveStatement, height: int) -> dict[str, str]:
    """The coins held at the end of a block within the period, and the wallet of each.

    Between the ends they follow from the entries. Where these are withheld, only what the closing
    coins show is known: those that existed by then.
    """
    period = statement.header.period
    opening = {c.outpoint: name for name, b in statement.coins.items() for c in b.opening}
    if height == period.after.height:
        return opening
    closing = {
        coin.outpoint: name
        for name, body in statement.coins.items()
        for coin in body.closing
        if coin.block.height <= height
    }
    if height == period.until.height or statement.withheld("entry"):
        return closing
    for entry in sorted(statement.entries, key=lambda each: each.order):
        if entry.block.height <= height:
            for posting in entry.spent:
                opening.pop(str(posting.outpoint), None)
            opening.update((str(posting.outpoint), posting.wallet) for posting in entry.received)
    return opening


def _scripts_of_both(ours: ReserveStatement, other: ReserveStatement) -> Iterator[Finding]:
    theirs = {script: name for name, body in other.scripts.items() for script in body.scripts}
    return _declared_twice(ours, theirs, _name(other))


def _declared_twice(
    ours: ReserveStatement, theirs: Mapping[str, str], other: str
) -> Iterator[Finding]:
    """One script has one holder: declared by two, whatever it receives is counted twice."""
    for wallet, body in ours.scripts.items():
        for script in body.scripts:
            if script in theirs:
                text = f"script {script} is declared by {other} too, in {theirs[script]}"
                yield Finding("R20", text, f"wallet {wallet}")


def _not_seen(ours: ReserveStatement, other: ReserveStatement, height: int) -> Iterator[str]:
    for statement in (ours, other):
        if statement.withheld("scripts"):
            yield f"Scripts that {_name(statement)} withholds were not compared."
        period = statement.header.period
        if period.until.height > height:
            yield (
                f"{_name(statement)} closes later, at block {period.until.height}: what moved from "
                f"one office to the other after block {height} may count in both closings."
            )
        inside = period.after.height < height < period.until.height
        if inside and statement.withheld("entry"):
            yield (
                f"Coins that {_name(statement)} held at block {height} and spent before its "
                "closing were not compared: its entries are withheld."
            )


def _name(statement: ReserveStatement) -> str:
    return statement.header.office.id
