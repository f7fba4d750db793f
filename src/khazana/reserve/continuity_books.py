"""What must not vanish between two statements beside wallets and perimeters (Rule R15)."""

from collections import Counter
from collections.abc import Iterator

from khazana.ledger.entries import BookEntry, BookKind
from khazana.ledger.findings import Finding
from khazana.reserve.parts import AccountBody
from khazana.reserve.reading import ReserveStatement


def books_continue(before: ReserveStatement, now: ReserveStatement) -> Iterator[Finding]:
    """Custodial accounts, promises, losses and restatements, holdings by legal lane."""
    for text, where in (
        *_accounts(before, now),
        *_sealed(before, now),
        *_corrections(before, now),
        *_lanes(before, now),
    ):
        yield Finding("R15", text, where)


def rules_changed(before: ReserveStatement, now: ReserveStatement) -> Iterator[str]:
    """Thresholds and methods that differ from the statement before: no lie, but to be read."""
    for name in ("dust_threshold", "match_window_days", "min_depth", "cost_method"):
        was, is_now = getattr(before.header, name), getattr(now.header, name)
        if was != is_now:
            yield f"Since the previous statement the office changed {name} from {was} to {is_now}."
    for name in before.entities.keys() & now.entities.keys():
        was, is_now = before.entities[name].sector, now.entities[name].sector
        if was != is_now:
            yield f"Since the previous statement {name} changed its sector from {was} to {is_now}."


def _accounts(before: ReserveStatement, now: ReserveStatement) -> Iterator[tuple[str, str]]:
    for name, old in before.accounts.items():
        where = f"account {name}"
        new = now.accounts.get(name)
        if new is None:
            yield f"it held {old.figures.closing} sat at the last closing and is gone", where
            continue
        for field in ("entity", "custodian", "lane"):
            was, is_now = getattr(old, field), getattr(new, field)
            if was != is_now:
                yield f"{field} was {was} and is now {is_now}", where
        if new.opening != _last_attestation(old):
            yield "its opening balance is not the last one attested before", where


def _last_attestation(body: AccountBody) -> object:
    return body.attested[-1] if body.attested else body.opening


def _sealed(before: ReserveStatement, now: ReserveStatement) -> Iterator[tuple[str, str]]:
    """A promise stays sealed or is opened by a wallet; and it was there since its block."""
    promised = {(s.commitment, s.block.height, s.block.hash) for s in before.sealed}
    opened = {
        (w.seal.commitment, w.seal.block.height, w.seal.block.hash): name
        for name, w in now.wallets.items()
        if w.seal is not None
    }
    kept = {(s.commitment, s.block.height, s.block.hash) for s in now.sealed}
    for commitment, height, _ in sorted(promised - kept - opened.keys()):
        yield f"it was promised at block {height}, is not opened, and is gone", f"seal {commitment}"
    known = promised | {
        (w.seal.commitment, w.seal.block.height, w.seal.block.hash)
        for w in before.wallets.values()
        if w.seal is not None
    }
    closed = before.header.period.until.height
    for commitment, height, _ in sorted((kept | opened.keys()) - known):
        if height <= closed:
            text = f"it says that it was logged at block {height}, the last statement has no such"
            yield f"{text} promise", f"seal {commitment}"


def _corrections(before: ReserveStatement, now: ReserveStatement) -> Iterator[tuple[str, str]]:
    closed = before.header.period.until.height
    had = Counter(_key(e) for e in before.book if _is_correction(e))
    has = Counter(_key(e) for e in now.book if _is_correction(e) and e.block.height <= closed)
    for kind, account, amount, height, *_ in (had - has).elements():
        yield f"the {kind} of {amount} sat at block {height} is gone", f"account {account}"
    for kind, account, amount, height, *_ in (has - had).elements():
        text = f"a {kind} of {amount} sat at block {height} is new, and backdated"
        yield text, f"account {account}"


def _is_correction(entry: BookEntry) -> bool:
    return entry.kind in (BookKind.LOSS, BookKind.RESTATEMENT)


def _key(entry: BookEntry) -> tuple[str, str, int, int, str, str | None]:
    return (
        entry.kind.value,
        entry.account,
        entry.amount,
        entry.block.height,
        entry.block.hash,
        entry.document,
    )


def _lanes(before: ReserveStatement, now: ReserveStatement) -> Iterator[tuple[str, str]]:
    for name in sorted(before.perimeters.keys() & now.perimeters.keys()):
        closed = {lane.lane: lane.closing for lane in before.perimeters[name].lanes}
        opened = {lane.lane: lane.opening for lane in now.perimeters[name].lanes}
        if closed != opened:
            yield "its holdings by legal lane open otherwise than they closed", f"perimeter {name}"
