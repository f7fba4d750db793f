"""Checks of the books: the balance of every set of accounts, perimeter and lane changes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind, ChainEntry, HeldCoin
from khazana.ledger.findings import Finding
from khazana.ledger.lanes import reclassifications
from khazana.ledger.perimeters import perimeter_changes
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.bodies import block_ref, coin_of, perimeter_of
from khazana.reserve.case import Case
from khazana.reserve.figures import Books, figures_of, lanes_of
from khazana.reserve.parts import FiguresBody
from khazana.reserve.sets import accounts_of, sets_of
from khazana.units import Sats, Txid


def _entries(case: Case) -> tuple[ChainEntry, ...]:
    """The stated entries where they are disclosed, else those the chain shows."""
    if case.statement.withheld("entry"):
        return case.chain_entries
    return tuple(sorted(case.statement.entries, key=lambda entry: entry.order))


def stated_books(case: Case) -> Books:
    """The books as stated, with the chain's entries where the statement withholds its own."""
    statement = case.statement
    period = statement.header.period
    opening = dict.fromkeys(statement.accounts, 0)
    opening.update(
        (body.id, body.opening.amount) for body in statement.accounts.values() if body.opening
    )
    opening.update(_opening_balances(case))
    attested = sorted(
        (
            AttestedBalance(body.id, block_ref(a.block), Sats(a.amount), a.document)
            for body in statement.accounts.values()
            for a in body.attested
        ),
        key=lambda a: (a.block.height, a.account),
    )
    return Books(
        after=block_ref(period.after),
        until=block_ref(period.until),
        wallets=case.stated_wallets,
        accounts=accounts_of(statement),
        opening={account: Sats(amount) for account, amount in opening.items()},
        entries=_entries(case),
        lines={Txid(e.txid): e.lines for e in statement.explanations.values()},
        account_lines={body.id: body.lines for body in statement.accounts.values()},
        book=statement.book,
        attested=tuple(attested),
        attested_grade={
            body.id: last.grade
            for body in statement.accounts.values()
            for last in [b for b in (body.opening, *body.attested) if b is not None][-1:]
        },
        held=tuple(_stated_closing(case)),
    )


def _opening_balances(case: Case) -> Mapping[str, int]:
    if case.statement.withheld("coins"):
        balances: dict[str, int] = {}
        owners = {script: w.id for w in case.wallets for script in w.scripts}
        for coin in case.chain_opening.values():
            if owner := owners.get(coin.script):  # a source may answer with somebody else's coin
                balances[owner] = balances.get(owner, 0) + coin.amount
        return balances
    return {
        wallet: sum(coin.amount for coin in body.opening)
        for wallet, body in case.statement.coins.items()
    }


def _stated_closing(case: Case) -> Iterator[HeldCoin]:
    for wallet, body in case.statement.coins.items():
        for coin in map(coin_of, body.closing):
            yield HeldCoin(wallet, coin.outpoint, coin.amount, coin.block, coin.is_coinbase)


PAPERS_LIMIT = (
    "Papers named for memberships, legal lanes, losses and restatements are not committed to: what "
    "they say, and that they exist, is the office's word."
)
NOT_OF_BALANCE = ("immature",)
"""Figures that another check owns."""


def balance(case: Case) -> Answer:
    """Whether opening + entries = closing for every wallet, account, entity and perimeter.

    Twice: the printed figures must add up by themselves, and they must be the figures that opening
    coins, entries and explanations give when they are computed again.
    """
    case.require("wallet", "account")
    findings = list(_sums(case))
    if not findings:
        findings = list(_recomputed(case))
    count = sum(1 for _ in sets_of(case.statement))
    return answer(
        basis="opening coins, entries and explanations as stated",
        good=f"{count} accounts, entities and perimeters add up",
        findings=findings,
        limits=tuple(_not_recomputed(case)),
    )


def _not_recomputed(case: Case) -> Iterator[str]:
    """Figures that rest on withheld parts add up, but what they are made of was not seen."""
    if hidden := case.statement.withheld("explanation"):
        yield f"{hidden} explanations are withheld: what the reasons say was not recomputed."
    if hidden := case.statement.withheld("book"):
        yield f"{hidden} entries of the books are withheld: corrections were not recomputed."


def _sums(case: Case) -> Iterator[Finding]:
    for part, f, _ in sets_of(case.statement):
        reached = f.opening + f.inflow + f.coinbase - f.outflow - f.fee
        reached += f.perimeter_change + f.off_chain
        if reached != f.closing:
            text = f"opening and movements make {reached} sat, closing is stated as {f.closing} sat"
            yield Finding("R13", text, part)
        explained = sum(reason.amount for reason in f.reasons)
        moved = f.inflow + f.coinbase - f.outflow + f.off_chain
        if explained != moved:
            text = f"the reasons make {explained} sat, the movements {moved} sat"
            yield Finding("R13", text, part)
        graded = f.grades.a + f.grades.b + f.grades.c + f.grades.d
        if graded != f.closing:
            text = f"the grades make {graded} sat, closing is stated as {f.closing} sat"
            yield Finding("R13", text, part)
        c = f.corrections
        if c.opening + c.loss + c.restatement + c.perimeter_change != c.closing:
            yield Finding("R13", "the corrections do not add up", part)
        for reason in f.reasons:
            g = reason.grades
            if g.a + g.b + g.c + g.d != reason.amount:
                yield Finding("R13", f"the grades of {reason.reason} do not add up", part)
    for name, perimeter in case.statement.perimeters.items():
        for side in ("opening", "closing"):
            lanes = sum(getattr(lane, side) for lane in perimeter.lanes)
            if lanes != getattr(perimeter.figures, side):
                text = f"the legal lanes make {lanes} sat at {side}"
                yield Finding("R13", text, f"perimeter/{name}")


def _recomputed(case: Case) -> Iterator[Finding]:
    books = stated_books(case)
    left_out = {*NOT_OF_BALANCE}
    if case.statement.withheld("explanation"):
        left_out.add("reasons")
    if case.statement.withheld("book"):
        left_out.add("corrections")
    for part, stated, perimeter in sets_of(case.statement):
        computed = figures_of(books, perimeter)
        for field in FiguresBody.__struct_fields__:
            claimed, found = getattr(stated, field), getattr(computed, field)
            if field not in left_out and claimed != found:
                text = f"{field.replace('_', ' ')} is stated as {_words(claimed)}"
                yield Finding("R13", f"{text}, the books give {_words(found)}", part)
    for name, body in case.statement.perimeters.items():
        if body.lanes != lanes_of(books, perimeter_of(body)):
            yield Finding("R13", "holdings by legal lane are stated otherwise", f"perimeter/{name}")


def _words(value: object) -> str:
    return f"{value} sat" if isinstance(value, int) else str(value)


def book_entries(case: Case) -> Answer:
    """Whether whoever enters or leaves a perimeter, or changes lane, does so by an entry."""
    case.require("book", "wallet", "account")
    books = stated_books(case)
    due: list[BookEntry] = list(
        reclassifications(
            books.wallets,
            opening=books.opening,
            entries=books.entries,
            after=books.after,
            until=books.until,
        )
    )
    for part, _, perimeter in sets_of(case.statement):
        if part.startswith(("entity/", "perimeter/")):
            members = sorted({member.account for member in perimeter.members})
            due += [
                _named(change, part)
                for change in perimeter_changes(
                    perimeter,
                    wallets=books.wallets_of(perimeter),
                    opening=books.opening,
                    entries=books.entries_touching(members),
                    attested=books.attested_of(members),
                    after=books.after,
                    until=books.until,
                )
            ]
    derived_kinds = (BookKind.PERIMETER_CHANGE, BookKind.RECLASSIFICATION)
    stated = [entry for entry in case.statement.book if entry.kind in derived_kinds]
    findings = [
        Finding("R14", f"{_book_words(entry)} is stated, nothing gives rise to it", _where(entry))
        for entry in _without(stated, due)
    ]
    findings += [
        Finding("R14", f"{_book_words(entry)} has no entry", _where(entry))
        for entry in _without(due, stated)
    ]
    findings += _corrections(case)
    known = case.statement.wallets.keys() | case.statement.accounts.keys()
    for name, body in case.statement.perimeters.items():
        findings += [
            Finding("R14", f"its member {member.account} is not stated", f"perimeter/{name}")
            for member in body.members
            if member.account not in known
        ]
    return answer(
        basis=FILE,
        good=f"{len(stated)} entries of the books",
        findings=findings,
        limits=(PAPERS_LIMIT,),
    )


def _corrections(case: Case) -> Iterator[Finding]:
    """Rule L11: a loss takes away, and nothing is written off that is not there."""
    for entry in case.statement.book:
        if entry.kind is BookKind.LOSS and entry.amount >= 0:
            yield Finding("R14", f"{_book_words(entry)} takes nothing away", _where(entry))
    for part, figures, _ in sets_of(case.statement):
        if figures.closing + figures.corrections.closing < 0 <= figures.closing:
            text = (
                f"{-figures.corrections.closing} sat are written off, "
                f"only {figures.closing} sat are held"
            )
            yield Finding("R14", text, part)


def _without(these: Sequence[BookEntry], those: Sequence[BookEntry]) -> Iterator[BookEntry]:
    """Of `these`, what has no equal of its own in `those`: stated twice is once too many."""
    left = Counter(map(_book_key, those))
    for entry in these:
        key = _book_key(entry)
        if left[key]:
            left[key] -= 1
        else:
            yield entry


def _book_key(entry: BookEntry) -> tuple[object, ...]:
    return (
        entry.kind,
        entry.block,
        entry.account,
        entry.amount,
        entry.perimeter,
        entry.document,
        tuple(sorted((entry.details or {}).items())),
    )


def _named(change: BookEntry, part: str) -> BookEntry:
    """The ledger knows a perimeter by its id; a statement says which kind of part it is as well."""
    return replace(change, perimeter=part)


def _book_words(entry: BookEntry) -> str:
    return f"{entry.kind.value.replace('_', ' ')} of {entry.amount} sat"


def _where(entry: BookEntry) -> str:
    place = f" in {entry.perimeter}" if entry.perimeter else ""
    return f"account {entry.account}{place} at block {entry.block.height}"
