"""Checks against other accounts: other publishers, the epoch before, the regulator."""

from collections.abc import Iterator

from khazana.errors import KhazanaError
from khazana.ledger.counted import Counted
from khazana.ledger.findings import Finding
from khazana.statement.evidence import evidence_places
from khazana.statement.times import read_instant
from khazana.supervision.coverage.case import (
    FILE,
    Answer,
    Case,
    CoveragePartsWithheld,
    NotComparable,
    NotGiven,
)
from khazana.supervision.coverage.countersign import (
    RECOMPUTATION_TYPE,
    contradiction,
    envelope_of,
    read_recomputation,
    signers_in,
)
from khazana.supervision.coverage.parts import DrawBody, HeaderBody
from khazana.supervision.coverage.reading import CoverageStatement
from khazana.supervision.solvency.recompute import breaks

BESIDE_LIMIT = (
    "Only the statements that you brought were compared, and they were read, not verified."
)
ANNOUNCED_LIMIT = (
    "At which block the draw was announced is the provider's word, unless the statement before was "
    "seen, stamped or put into a log by then."
)
RECOMPUTED_LIMIT = (
    "The regulator's word is about the extract it was given: a customer left out of the extract "
    "too is found only by customers who check."
)


def beside(case: Case) -> Answer:
    """Rule V11: no coin and no script of this statement is counted by another publisher."""
    if not case.beside:
        raise NotGiven(what="another publisher's statement (--beside FILE)")
    case.require("wallet")
    findings: list[Finding] = []
    limits = [BESIDE_LIMIT]
    for other in case.beside:
        if problem := _not_comparable(case.statement, other):
            raise NotComparable(root=other.root, problem=problem)
        findings += _in_both(case.statement, other)
        if other.withheld:
            limits.append(f"What {other.name} withholds was not compared.")
        if other.block != case.statement.block:
            limits.append(
                f"{other.name} counts at block {other.block.height}: a wallet handed over in "
                "between stands in both accounts."
            )
    names = ", ".join(f"{other.name} at block {other.block.height}" for other in case.beside)
    good = f"no coin or script stands in two accounts; compared with {names}"
    basis = f"the statements with roots {', '.join(other.root for other in case.beside)}"
    return Answer(basis, good, findings, tuple(dict.fromkeys(limits)))


def _not_comparable(ours: CoverageStatement, other: Counted) -> str | None:
    if other.genesis != ours.header.network.genesis:
        return "it is about another network"
    mine = ours.header.office.fingerprint
    if other.root == ours.root or (mine is not None and other.fingerprint == mine):
        return "it is by the same publisher"
    return None


def _in_both(ours: CoverageStatement, other: Counted) -> Iterator[Finding]:
    for wallet in ours.wallets.values():
        where = f"wallet/{wallet.id}"
        for coin in wallet.coins:
            if coin.outpoint in other.coins:
                text = f"coin {coin.outpoint} is counted by {other.name} too, at block "
                text += f"{other.block.height}, in wallet {other.coins[coin.outpoint]}"
                yield Finding("V11", text, where)
        for script in wallet.scripts:
            if script in other.scripts:
                text = (
                    f"script {script} is declared by {other.name} too, in {other.scripts[script]}"
                )
                yield Finding("V11", text, where)


def continuity(case: Case) -> Answer:
    """Rule V12: the statement follows the epoch before: root, trees, assets, announced draw."""
    stated = case.statement.header.previous
    if case.previous is None:
        if stated is None and case.statement.header.epoch <= 1:
            return Answer(FILE, "it says that it is the first")
        raise NotGiven(what="the statement of the epoch before (--previous FILE)")
    previous = case.previous
    case.require("asset")
    if missing := previous.withheld("asset"):
        raise CoveragePartsWithheld(kind="asset, in the epoch before,", missing=missing)
    findings = list(_breaks(case, previous))
    good = f"it continues epoch {previous.header.epoch}: every tree, asset and draw"
    limits = (ANNOUNCED_LIMIT,) if not findings else ()
    return Answer(f"the statement with root {previous.root}", good, findings, limits)


def _breaks(case: Case, previous: CoverageStatement) -> Iterator[Finding]:
    ours, before = case.statement.header, previous.header
    if previous.envelope.computed_root != previous.root:
        raise NotComparable(root=previous.root, problem="its parts give another root")
    if ours.previous != previous.root:
        text = f"it says it follows {ours.previous}, the statement given is {previous.root}"
        yield Finding("V12", text, "the header")
    for what, now, then in (
        ("publisher", _who(ours), _who(before)),
        ("licence", ours.licence, before.licence),
        ("draw", _words(ours.snapshot), None if before.next is None else _words(before.next)),
    ):
        if now != then and then is not None:
            text = f"the {what} is {now}, the statement before says {then}"
            yield Finding("V12", text, "the header")
    if before.next is None:
        text = "the statement before announces no draw, so nothing bound the choice of the block"
        yield Finding("V12", text, "the header")
    elif before.next.announced - before.next.window <= before.tip.height:
        text = (
            f"the draw {_words(before.next)} was announced at block {before.tip.height}, when its "
            "window had begun"
        )
        yield Finding("V12", text, "the header")
    for name in previous.assets.keys() - case.statement.assets.keys():
        text = f"{name} was listed in epoch {before.epoch} and is not any more"
        yield Finding("V12", text, "assets")
    epoch, last = case.epoch, previous.epoch
    if last is None:
        raise NotGiven(what="a full statement of the epoch before (--previous FILE)")
    for each in breaks(epoch, last):
        text = f"{each.what}: stated {each.stated}, found {each.found}"
        yield Finding("V12", text, each.tree)
    roots = {tree.root: tree.name for tree in last.trees}
    for tree in epoch.trees:
        if tree.root in roots:
            yield Finding("V12", f"stale: it has the root of epoch {last.epoch}", tree.name)


def _who(header: HeaderBody) -> str:
    return header.office.fingerprint or header.office.id


def _words(draw: DrawBody) -> str:
    return f"by block {draw.announced} among {draw.window}"


def countersigned(case: Case) -> Answer:
    """Rule V13: the pinned regulator built these trees again and found them equal."""
    items = [
        (where, item)
        for where, item in evidence_places(case.statement.envelope)
        if item.type == RECOMPUTATION_TYPE and item.subject_root == case.statement.root
    ]
    if case.regulator is None:
        raise NotGiven(what="the regulator's office.json (--regulator FILE)")
    findings: list[Finding] = []
    signed: frozenset[str] = frozenset()
    needed = 1
    for where, item in items:
        try:
            envelope = envelope_of(item.fields)
            found = read_recomputation(envelope)
        except KhazanaError as error:
            findings.append(Finding("V13", str(error), where))
            continue
        if wrong := contradiction(found, case.epoch):
            findings.append(Finding("V13", wrong, where))
            continue
        good, needed = signers_in(
            envelope, case.regulator, since=read_instant(case.statement.header.block_mtp)
        )
        signed |= good
    regulator = case.regulator
    if not findings and len(signed) < needed:
        text = f"{len(signed)} of {needed} keys of {regulator.id} signed a recomputation of it"
        if regulator.newest.valid_until <= read_instant(case.statement.header.block_mtp):
            text += "; its newest version had ended before the block"
        findings.append(Finding("V13", text, "$.evidence"))
    summary = f"{regulator.id} built {len(case.statement.trees)} trees again and found them equal"
    basis = f"keys of {regulator.id}, by the file that you gave"
    return Answer(basis, summary, findings, (RECOMPUTED_LIMIT,))
