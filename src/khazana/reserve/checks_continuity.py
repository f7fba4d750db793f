"""The check against the statement before: nothing vanished, and opening is where closing was."""

from collections.abc import Iterator

from khazana.ledger.findings import Finding
from khazana.reserve.answers import Answer, answer
from khazana.reserve.case import Case, NoPreviousGiven, PartsWithheld
from khazana.reserve.continuity_books import books_continue, rules_changed
from khazana.reserve.parts import FiguresBody, PerimeterBody, WalletBody
from khazana.reserve.reading import ReserveStatement

NEEDED = ("entity", "wallet", "account", "perimeter", "book", "sealed")
"""Kinds of parts that both statements must show, or something could vanish unseen."""


def continuity(case: Case) -> Answer:
    """Whether this statement follows the previous one without a gap or a silent change."""
    before, now = case.previous, case.statement
    if before is None:
        raise NoPreviousGiven(previous=now.header.previous or "none")
    for kind in NEEDED:
        case.require(kind)
        if missing := before.withheld(kind):
            raise PartsWithheld(kind=f"{kind}, in the previous statement,", missing=missing)
    findings = [
        *_same_line(before, now),
        *_wallets(before, now),
        *_perimeters(before, now),
        *_openings(before, now),
        *_coins(before, now),
        *books_continue(before, now),
    ]
    not_compared = [
        f"{kind.capitalize()} were not compared with the previous statement's: some are withheld."
        for kind in ("scripts", "coins")
        if before.withheld(kind) or now.withheld(kind)
    ]
    return answer(
        basis=f"the previous statement, root {before.root}",
        good=f"follows the statement that closed at block {before.header.period.until.height}",
        findings=findings,
        limits=(*rules_changed(before, now), *not_compared),
    )


def _same_line(before: ReserveStatement, now: ReserveStatement) -> Iterator[Finding]:
    if before.envelope.computed_root != before.root:
        yield Finding("R15", "its parts do not give its root", "the previous statement")
    if now.header.previous != before.root:
        text = f"this statement follows root {now.header.previous}, given is root {before.root}"
        yield Finding("R15", text, "the header")
    if before.header.network != now.header.network or before.header.test != now.header.test:
        yield Finding("R15", "the previous statement is about another network", "the header")
    ours, theirs = now.header.office, before.header.office
    if (ours.id, ours.fingerprint) != (theirs.id, theirs.fingerprint):
        yield Finding("R15", f"the previous statement is by {theirs.id}", "the header")
    if before.header.period.until != now.header.period.after:
        text = (
            f"the previous statement closed at block {before.header.period.until.height} "
            f"({before.header.period.until.hash}), this one opens at "
            f"{now.header.period.after.height} ({now.header.period.after.hash})"
        )
        yield Finding("R15", text, "the period")


def _wallets(before: ReserveStatement, now: ReserveStatement) -> Iterator[Finding]:
    for wallet, old in before.wallets.items():
        new = now.wallets.get(wallet)
        where = f"wallet {wallet}"
        if new is None:
            if not now.withheld("wallet"):
                text = f"it held {old.figures.closing} sat at the last closing and is gone"
                yield Finding("R15", text, where)
            continue
        yield from (Finding("R15", text, where) for text in _wallet_changes(old, new, now))
        had, has = before.scripts.get(wallet), now.scripts.get(wallet)
        if had is not None and has is not None:
            lost = set(had.scripts) - set(has.scripts)
            if lost:
                text = f"{len(lost)} scripts it declared before are gone, such as {min(lost)}"
                yield Finding("R15", text, where)
    if before.withheld("wallet"):
        return
    for wallet in now.wallets.keys() - before.wallets.keys():
        declared = now.wallets[wallet].declared
        if declared.height <= now.header.period.after.height:
            text = (
                f"it says that it was declared at block {declared.height}, but the previous "
                "statement, which closed later, does not know it"
            )
            yield Finding("R15", text, f"wallet {wallet}")


def _wallet_changes(old: WalletBody, new: WalletBody, now: ReserveStatement) -> Iterator[str]:
    for name in ("entity", "declared"):
        claimed, was = getattr(new, name), getattr(old, name)
        if claimed != was:
            yield f"{name} was {was} and is now {claimed}"
    if new.script_count < old.script_count:
        yield f"it declared {old.script_count} scripts and now declares {new.script_count}"
    if old.seal is not None and (
        new.seal is None
        or (old.seal.commitment, old.seal.block) != (new.seal.commitment, new.seal.block)
    ):
        yield "its seal is not the one it had"
    after = now.header.period.after.height
    past = [lane for lane in new.lanes if lane.since is None or lane.since.height <= after]
    if past != [lane for lane in old.lanes if lane.since is None or lane.since.height <= after]:
        yield "its legal lane before this period is stated otherwise than before"


def _perimeters(before: ReserveStatement, now: ReserveStatement) -> Iterator[Finding]:
    for name, old in before.perimeters.items():
        new = now.perimeters.get(name)
        where = f"perimeter {name}"
        if new is None:
            if not now.withheld("perimeter"):
                yield Finding("R15", "it is gone", where)
            continue
        yield from (Finding("R15", text, where) for text in _member_changes(old, new, now))


def _member_changes(old: PerimeterBody, new: PerimeterBody, now: ReserveStatement) -> Iterator[str]:
    after = now.header.period.after.height
    were = {(m.account, m.since): m for m in old.members}
    are = {(m.account, m.since): m for m in new.members}
    for key, was in were.items():
        member = are.get(key)
        if member is None:
            yield f"{was.account} belonged to it and left without an entry"
        elif member.until != was.until and (
            was.until is not None or member.until is None or member.until.height <= after
        ):
            yield f"{was.account} is said to have left at another block than before"
    for key, member in are.items():
        if key not in were and (member.since is None or member.since.height <= after):
            # A wallet declared in this period enters by its declaration, which is an entry.
            wallet = now.wallets.get(member.account)
            if wallet is None or wallet.declared.height <= after:
                yield f"{member.account} belongs to it since before this period, which is new"


def _openings(before: ReserveStatement, now: ReserveStatement) -> Iterator[Finding]:
    pairs: list[tuple[str, FiguresBody, FiguresBody]] = []
    for kind, old, new in (
        ("wallet", before.wallets, now.wallets),
        ("account", before.accounts, now.accounts),
        ("entity", before.entities, now.entities),
        ("perimeter", before.perimeters, now.perimeters),
    ):
        for name in old.keys() & new.keys():
            pairs.append((f"{kind} {name}", old[name].figures, new[name].figures))
    for where, closed, opened in sorted(pairs, key=lambda pair: pair[0]):
        if closed.closing != opened.opening:
            text = f"it closed with {closed.closing} sat and opens with {opened.opening} sat"
            yield Finding("R15", text, where)
        if closed.corrections.closing != opened.corrections.opening:
            text = (
                f"corrections closed at {closed.corrections.closing} sat and open at "
                f"{opened.corrections.opening} sat"
            )
            yield Finding("R15", text, where)


def _coins(before: ReserveStatement, now: ReserveStatement) -> Iterator[Finding]:
    for wallet in before.coins.keys() & now.coins.keys():
        had = {coin.outpoint: coin for coin in before.coins[wallet].closing}
        has = {coin.outpoint: coin for coin in now.coins[wallet].opening}
        if had != has:
            changed = min(
                outpoint
                for outpoint in had.keys() | has.keys()
                if had.get(outpoint) != has.get(outpoint)
            )
            text = f"its opening coins are not its last closing coins ({changed} differs)"
            yield Finding("R15", text, f"wallet {wallet}")
