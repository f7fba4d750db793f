"""The journal in beancount's language, with assertions that its loader checks."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby

from khazana.ledger.journal import Journal, JournalLine

COMMODITY = "SAT"


def journal_beancount(journal: Journal, *, title: str, notice: str | None = None) -> str:
    """The journal as a beancount 3 file: whole satoshis, in the commodity SAT.

    One transaction per Bitcoin transaction or book entry. For every wallet a balance assertion on
    the day after the period: beancount itself then checks that the lines lead to the coins.
    notice: in the title and on every transaction, such as "test network, invented figures".
    """
    heading = f"{title}: {notice}" if notice else title
    blocks = [
        f'option "title" {_quoted(heading)}\n'
        f'option "operating_currency" "{COMMODITY}"\n'
        f"{journal.first_day} commodity {COMMODITY}",
        "\n".join(_openings(journal)),
    ]
    by_transaction = groupby(enumerate(journal.lines), key=lambda pair: _group(*pair))
    for _, lines in by_transaction:
        blocks.append(_transaction([line for _, line in lines], notice))
    # beancount reads an assertion at the start of its day.
    day = journal.last_day + timedelta(days=1)
    blocks.append(
        "\n".join(
            f"{day} balance {account} {amount} {COMMODITY}"
            for account, amount in sorted(journal.closing.items())
        )
    )
    return "\n\n".join(block for block in blocks if block) + "\n"


def _openings(journal: Journal) -> Iterator[str]:
    used = {name for line in journal.lines for name in (line.debit, line.credit)}
    for account in sorted(used | set(journal.closing)):
        yield f"{journal.first_day} open {account} {COMMODITY}"


def _group(index: int, line: JournalLine) -> tuple[str, int]:
    """Lines of one Bitcoin transaction, or of the opening, belong together; others stand alone."""
    if line.txid is not None:
        return line.txid, -1
    return line.kind, -1 if line.kind == "opening" else index


def _transaction(lines: list[JournalLine], notice: str | None) -> str:
    first = lines[0]
    kinds = ", ".join(dict.fromkeys(line.kind for line in lines))
    parts = [f"{first.day} * {_quoted(kinds)}"]
    if first.txid is not None:
        parts.append(f'  txid: "{first.txid}"')
    parts.append(f"  height: {first.block.height}")
    parts.append(f'  block: "{first.block.hash}"')
    if notice:
        parts.append(f"  notice: {_quoted(notice)}")
    for line in lines:
        parts += _postings(line)
    return "\n".join(parts)


def _postings(line: JournalLine) -> Iterable[str]:
    for account, amount in ((line.debit, line.amount), (line.credit, -line.amount)):
        yield f"  {account}  {amount} {COMMODITY}"
        if line.document is not None:
            yield f"    document_id: {_quoted(line.document)}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
