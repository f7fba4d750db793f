"""Whether one line of an explanation may say what it says (Rules R11 and R19)."""

from collections.abc import Iterable, Iterator, Sequence

from khazana.ledger.documents import Reason
from khazana.ledger.entries import ChainEntry
from khazana.ledger.matching import COINBASE_REASONS
from khazana.reserve.parts import AccountBody, ExplanationLineBody
from khazana.reserve.reading import ReserveStatement

GRADE_WITHOUT_DOCUMENT = {Reason.TRANSFER: "A", Reason.DUST: "A", Reason.UNEXPLAINED: "D"}
"""Reasons that need no document. The first two follow from the chain and the stated threshold;
that nothing explains a flow is only the office's word (Rule G1).
"""
RULES_WITHOUT_DOCUMENT = {Reason.TRANSFER: "T1", Reason.DUST: "M4", Reason.UNEXPLAINED: "U1"}
RULES_WITH_DOCUMENT = ("M1", "M2", "M3")
RULE_OF_ACCOUNTS = "B1"
"""docs/methods/matching.md: the rules that make lines."""


def entry_line_problems(
    statement: ReserveStatement,
    entry: ChainEntry,
    lines: Sequence[ExplanationLineBody],
    due: dict[str, int],
) -> Iterator[str]:
    """What is wrong with the lines of an entry. due: what each wallet gained or gave before fees.

    Lines that cancel one another would print purchases and payments that never were.
    """
    dust: dict[str, int] = {}
    for line in lines:
        said = f"{line.amount:+d} sat of {line.wallet} as {line.reason}"
        if line.amount * due.get(line.wallet, 0) <= 0:
            yield f"{said} goes against what the transaction did to the wallet"
        yield from _problems(statement, line)
        reason = _reason(line)
        if reason is None:
            continue
        if entry.coinbase and reason not in (*COINBASE_REASONS, Reason.UNEXPLAINED):
            yield f"{said} contradicts the chain: it is a coinbase"
        if line.document is not None:
            if line.rule not in RULES_WITH_DOCUMENT:
                yield f"{said}: rule {line.rule} makes no line with a document"
        elif line.rule != RULES_WITHOUT_DOCUMENT.get(reason, line.rule):
            yield f"{said}: rule {line.rule} makes no such line"
        if reason is Reason.DUST and line.document is None:
            dust[line.wallet] = dust.get(line.wallet, 0) + line.amount
    threshold = statement.header.dust_threshold
    for wallet, amount in dust.items():
        if max(amount, due.get(wallet, 0)) > threshold:
            text = f"{due.get(wallet, 0)} sat is more than the dust threshold of {threshold} sat"
            yield f"{wallet}: {text}"


def account_line_problems(statement: ReserveStatement, body: AccountBody) -> Iterator[str]:
    """What is wrong with the lines that explain a custodial balance's change (Rule B1)."""
    for line in body.lines:
        reason = _reason(line)
        said = f"{line.amount:+d} sat of {line.wallet} as {line.reason}"
        if line.amount == 0:
            yield f"{said} explains nothing"
        if reason in (Reason.TRANSFER, Reason.DUST):
            yield f"{said}: only a chain shows that, and none shows this account"
        if line.rule != RULE_OF_ACCOUNTS:
            yield f"{said}: rule {line.rule} makes no line of an account"
        yield from _problems(statement, line)


def _reason(line: ExplanationLineBody) -> Reason | None:
    try:
        return Reason(line.reason)
    except ValueError:
        return None


def _problems(statement: ReserveStatement, line: ExplanationLineBody) -> Iterator[str]:
    """What is wrong with a line wherever it stands."""
    reason = _reason(line)
    if reason is None:
        yield f"{line.reason} is no reason this version knows"
        return
    if reason.direction * line.amount < 0:
        yield f"{line.amount:+d} sat of {line.wallet} goes against the reason {line.reason}"
    if reason is not Reason.TRANSFER:
        yield from _counterpart(statement, line)
    if line.document is None:
        if reason not in GRADE_WITHOUT_DOCUMENT:
            yield f"{line.amount:+d} sat of {line.wallet}: {line.reason} needs a document"
        elif line.grade != GRADE_WITHOUT_DOCUMENT[reason]:
            due = GRADE_WITHOUT_DOCUMENT[reason]
            yield f"without a document {line.reason} has grade {due}, not {line.grade}"
        return
    if not reason.from_document:
        yield f"{line.reason} is derived, no document can say it ({line.document})"
    document = statement.documents.get(line.document)
    if document is None:
        if not statement.withheld("document"):
            yield f"document {line.document} is not committed to"
    elif document.grade != line.grade:
        yield f"grade {line.grade} rests on {line.document}, which has grade {document.grade}"


def _counterpart(statement: ReserveStatement, line: ExplanationLineBody) -> Iterable[str]:
    """At the other end of a documented flow there may be a custodial account, never a wallet."""
    if line.counterpart is None:
        return
    said = f"{line.amount:+d} sat of {line.wallet}"
    if line.document is None:
        yield f"{said}: without a document nobody says that {line.counterpart} is the other end"
    elif line.counterpart not in statement.accounts and not statement.withheld("account"):
        yield f"{said}: no account is called {line.counterpart}"
