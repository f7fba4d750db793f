"""Checks of explanations: transfers, the reason of every flow, documents that were given."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from khazana.ledger.documents import Document, Reason, commitment, document_grade
from khazana.ledger.entries import ChainEntry, Fact
from khazana.ledger.findings import Finding
from khazana.ledger.flows import flows
from khazana.reserve.answers import FILE, Answer, answer
from khazana.reserve.case import Case, NoDocumentsGiven
from khazana.reserve.evidence_grades import document_problems
from khazana.reserve.explained import account_line_problems, entry_line_problems
from khazana.reserve.parts import ExplanationLineBody
from khazana.reserve.reading import ReserveStatement
from khazana.statement.endorsements import endorsed_documents
from khazana.statement.identity import Office

TRUTH_LIMIT = (
    "A document's commitment shows that it existed and has not changed since, not that it is true."
)


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
    raised = _endorsed(statement, case.office)
    return answer(
        basis=FILE,
        good=f"{len(statement.entries)} entries explained; {unexplained} sat unexplained and said "
        f"to be{raised}",
        findings=findings,
        limits=limits,
    )


def _endorsed(statement: ReserveStatement, office: Office | None) -> str:
    """How much rests on documents that a body signed since the statement was made (Rule R19)."""
    signed = endorsed_documents(statement.envelope, known=office)
    lines = [line for each in statement.explanations.values() for line in each.lines]
    lines += [line for account in statement.accounts.values() for line in account.lines]
    total = sum(abs(line.amount) for line in lines if line.document in signed)
    if not signed:
        return ""
    return f"; {total} sat rest on {len(signed)} documents signed since by the body responsible (B)"


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
