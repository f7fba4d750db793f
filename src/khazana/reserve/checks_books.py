"""Checks of the books: transfers, explanations, documents, balance, perimeter changes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from khazana.ledger.documents import Document, Reason, commitment, document_grade
from khazana.ledger.entries import AttestedBalance, BookEntry, BookKind, ChainEntry, Fact, HeldCoin
from khazana.ledger.findings import Finding
from khazana.ledger.flows import flows
from khazana.ledger.lanes import reclassifications
from khazana.ledger.perimeters import perimeter_changes
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.bodies import block_ref, coin_of, perimeter_of
from khazana.reserve.case import Case, NoDocumentsGiven
from khazana.reserve.evidence_grades import document_problems
from khazana.reserve.explained import account_line_problems, entry_line_problems
from khazana.reserve.figures import Books, figures_of, lanes_of
from khazana.reserve.parts import ExplanationLineBody, FiguresBody
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.sets import accounts_of, sets_of
from khazana.units import Sats, Txid

TRUTH_LIMIT = (
    "A document's commitment shows that it existed and has not changed since, not that it is true."
)


def _entries(case: Case) -> tuple[ChainEntry, ...]:
    """The stated entries where they are disclosed, else those the chain shows."""
    if case.statement.withheld("entry"):
        return case.chain_entries
    return tuple(sorted(case.statement.entries, key=lambda entry: entry.order))


def transfers(case: Case) -> Answer:
    """Whether what is called a transfer went from one declared wallet to another, and all of it.

    Transfers are derived, not believed: they net to zero by construction, the fee apart.
    """
    case.require("entry", "explanation")
    findings = []
    moved = 0
    for entry in case.statement.entries:
        derived = sorted(
            (wallet, counterpart, amount)
            for flow in flows(entry)
            if flow.fact is Fact.INTERNAL
            for wallet, counterpart, amount in (
                (flow.source, flow.target, -flow.amount),
                (flow.target, flow.source, int(flow.amount)),
            )
        )
        explained = case.statement.explanations.get(entry.txid)
        stated = sorted(
            (line.wallet, line.counterpart or "", line.amount)
            for line in (explained.lines if explained else ())
            if line.reason == Reason.TRANSFER.value
        )
        moved += sum(amount for _, _, amount in derived if amount > 0)
        for line in _only_in(stated, derived):
            text = f"{line[2]:+d} sat of {line[0]} is called a transfer with {line[1] or 'nobody'}"
            findings.append(
                Finding("R10", f"{text}; the transaction shows none", f"entry {entry.txid}")
            )
        for line in _only_in(derived, stated):
            text = f"{line[2]:+d} sat of {line[0]} is a transfer with {line[1]}, called otherwise"
            findings.append(Finding("R10", text, f"entry {entry.txid}"))
    return answer(
        basis="the entries", good=f"{moved} sat moved between declared wallets", findings=findings
    )


def _only_in(
    these: Sequence[tuple[str, str, int]], those: Sequence[tuple[str, str, int]]
) -> list[tuple[str, str, int]]:
    return sorted((Counter(these) - Counter(those)).elements())


def explanations(case: Case) -> Answer:
    """Whether every entry's flows are explained to the satoshi, by documents that are committed to.

    What nobody explains must be called unexplained; it is not an error to say so.
    """
    case.require("entry", "explanation", "account")
    statement = case.statement
    findings: list[Finding] = []
    unexplained = dust = 0
    known = {entry.txid for entry in statement.entries}
    for txid in statement.explanations.keys() - known:
        findings.append(Finding("R11", "it explains no entry of the period", f"entry {txid}"))
    for entry in statement.entries:
        where = f"entry {entry.txid}"
        explained = statement.explanations.get(entry.txid)
        lines = explained.lines if explained else []
        due = _due(entry)
        texts = entry_line_problems(statement, entry, lines, due)
        findings.extend(Finding("R11", text, where) for text in texts)
        given: dict[str, int] = {}
        for line in lines:
            given[line.wallet] = given.get(line.wallet, 0) + line.amount
            if line.reason == Reason.UNEXPLAINED.value:
                unexplained += abs(line.amount)
            dust += line.amount if line.reason == Reason.DUST.value else 0
        for wallet in sorted(due.keys() | given.keys()):
            if due.get(wallet, 0) != given.get(wallet, 0):
                text = (
                    f"{wallet} changed by {due.get(wallet, 0):+d} sat before fees, "
                    f"{given.get(wallet, 0):+d} sat are explained"
                )
                findings.append(Finding("R11", text, where))
    for name, account in statement.accounts.items():
        texts = account_line_problems(statement, account)
        findings.extend(Finding("R11", text, f"account {name}") for text in texts)
    for document in statement.documents.values():
        where = f"document {document.id}"
        findings.extend(Finding("R19", text, where) for text in document_problems(document))
    limits: tuple[str, ...] = (TRUTH_LIMIT,)
    if dust:
        threshold = statement.header.dust_threshold
        limits = (
            f"{dust} sat came in receipts of at most {threshold} sat and need no reason: "
            "the office set that threshold.",
            *limits,
        )
    return answer(
        basis=FILE,
        good=f"{len(statement.entries)} entries explained; {unexplained} sat unexplained and said "
        "to be",
        findings=findings,
        limits=limits,
    )


def _due(entry: ChainEntry) -> dict[str, int]:
    """What each wallet gained or gave in an entry before fees."""
    due: dict[str, int] = {}
    ours = frozenset(entry.wallets)
    for flow in flows(entry):
        if flow.fact is not Fact.FEE:
            for wallet, amount in ((flow.source, -flow.amount), (flow.target, flow.amount)):
                if wallet in ours:
                    due[wallet] = due.get(wallet, 0) + amount
    return due


def documents(case: Case) -> Answer:
    """Whether the documents the reader was given are those the statement commits to and say so."""
    if not case.documents:
        raise NoDocumentsGiven(stated=case.statement.header.parts.get("document", 0))
    case.require("document")
    findings = []
    lines = _lines_by_document(case.statement)
    before = _used_before(case)
    for name, given in case.documents.items():
        where = f"document {name}"
        stated = case.statement.documents.get(name)
        if stated is None:
            findings.append(Finding("R12", "the statement does not commit to it", where))
            continue
        if commitment(given.document, given.salt) != stated.commitment:
            text = f"its commitment is not {stated.commitment}: the document or its salt differs"
            findings.append(Finding("R12", text, where))
            continue
        if given.document.file_sha256 != stated.file_sha256:
            findings.append(Finding("R12", "the hash of its paper is stated otherwise", where))
        if document_grade(given.document).value != stated.grade:
            text = f"it carries grade {document_grade(given.document).value}, not {stated.grade}"
            findings.append(Finding("R12", text, where))
        findings.extend(
            Finding("R12", text, where)
            for text in _contradictions(given.document, lines[name], before.get(name, 0))
        )
    missing = len(case.statement.documents.keys() - case.documents.keys())
    return answer(
        basis="the documents given",
        good=f"{len(case.documents)} documents open their commitments",
        findings=findings,
        limits=(f"{missing} documents were not given.", TRUTH_LIMIT) if missing else (TRUTH_LIMIT,),
    )


def _lines_by_document(
    statement: ReserveStatement,
) -> Mapping[str, list[tuple[str, ExplanationLineBody]]]:
    found: dict[str, list[tuple[str, ExplanationLineBody]]] = {
        name: [] for name in statement.documents
    }
    for txid, explained in statement.explanations.items():
        for line in explained.lines:
            found.setdefault(line.document or "", []).append((txid, line))
    for account in statement.accounts.values():
        for line in account.lines:
            found.setdefault(line.document or "", []).append(("", line))
    return found


def _used_before(case: Case) -> Mapping[str, int]:
    """How much each document explained in the previous statement, where it is disclosed."""
    if case.previous is None:
        return {}
    return {
        name: sum(abs(line.amount) for _, line in lines)
        for name, lines in _lines_by_document(case.previous).items()
    }


def _contradictions(
    document: Document, lines: Sequence[tuple[str, ExplanationLineBody]], used_before: int
) -> Iterator[str]:
    used = used_before
    for txid, line in lines:
        used += abs(line.amount)
        if line.reason != document.reason.value:
            yield f"it says {document.reason.value}, the statement uses it for {line.reason}"
        if line.wallet != document.account:
            yield f"it is about {document.account}, the statement uses it for {line.wallet}"
        if line.counterpart != document.counter_account:
            yield (
                f"it names {document.counter_account or 'no account'} at the other end, the "
                f"statement names {line.counterpart or 'none'}"
            )
        if txid and document.txid is not None and document.txid != txid:
            yield f"it names transaction {document.txid}, the statement uses it for {txid}"
    if used > document.amount:
        earlier = f", {used_before} sat of them in the previous one" if used_before else ""
        yield (
            f"it is about {document.amount} sat, the statement explains {used} sat with it{earlier}"
        )


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
            balances[owners[coin.script]] = balances.get(owners[coin.script], 0) + coin.amount
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
            due += [
                _named(change, part)
                for change in perimeter_changes(
                    perimeter,
                    wallets=books.wallets,
                    opening=books.opening,
                    entries=books.entries,
                    attested=books.attested,
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
