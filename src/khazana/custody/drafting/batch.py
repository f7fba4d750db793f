"""A table of payments (CSV): taken whole or refused whole, each problem with its line (rule D4)."""

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress
from khazana.bitcoin.network import Network
from khazana.custody.drafting.errors import BatchRefused
from khazana.custody.drafting.lookalikes import KnownAddresses
from khazana.custody.drafting.payments import Earlier, Payment, payment, problems_of
from khazana.ledger.money import sats_of_text
from khazana.ledger.problems import ProblemList, Problems
from khazana.ledger.tables import Row, read_table

COLUMNS = ("address", "amount_btc", "amount_sat", "label", "reference")
MOST_PAYMENTS = 2_500
"""More outputs than one transaction that nodes relay can hold."""

_MOST_TEXT = 200


def read_batch(
    file: str, raw: bytes, *, network: Network, known: KnownAddresses
) -> tuple[Payment, ...]:
    """The payments of a table. Raises BatchRefused with every problem of every row."""
    problems = ProblemList()
    rows = read_table(file, raw, columns=COLUMNS, required=("address",), problems=problems)
    taken: list[Payment] = []
    earlier = Earlier()
    for row in rows[: MOST_PAYMENTS + 1]:
        read = _payment(row, network)
        if read is None:
            continue
        for _, text in problems_of(read, known):
            row.wrong("amount" if "dust" in text else "address", text)
        for _, text in earlier.clashes(read, f"line {row.line}"):
            row.wrong("reference" if text.startswith("reference") else "address", text)
        taken.append(read)
    if len(rows) > MOST_PAYMENTS:
        rows[-1].wrong("(row)", f"{len(rows)} payments: more than {MOST_PAYMENTS} fit no order")
    if not rows and not problems.found:
        raise BatchRefused(file=file, problems=_none(file))
    if problems.found:
        found = sorted(problems.found, key=lambda problem: problem.place.line)
        raise BatchRefused(file=file, problems=Problems(found))
    return tuple(taken)


def _payment(row: Row, network: Network) -> Payment | None:
    before = len(row.problems.found)
    address = row.text("address")
    amount = None
    column = "amount_btc" if row.cells["amount_btc"] else "amount_sat"
    try:
        amount = sats_of_text(btc=row.cells["amount_btc"], sat=row.cells["amount_sat"])
    except ValueError as wrong:
        row.wrong(column, str(wrong))
    if amount is not None and amount <= 0:
        row.wrong(column, f"{amount} sat is no payment")
    for name in ("label", "reference"):
        text = row.cells[name]
        if len(text) > _MOST_TEXT or not text.isprintable():
            row.wrong(name, f"use at most {_MOST_TEXT} printable characters")
    read = None
    try:
        if address and amount is not None:
            label, reference = row.cells["label"], row.cells["reference"]
            read = payment(address, amount, network, label=label, reference=reference)
        elif address:
            payment(address, sats_of_text(btc="1", sat=""), network)
    except (BadAddress, SecretInsteadOfAddress) as wrong:
        row.wrong("address", str(wrong))
    return read if len(row.problems.found) == before else None


def _none(file: str) -> Problems:
    problems = ProblemList()
    rows = Row(file, 2, {}, problems)
    rows.wrong("(row)", "there is no payment in it")
    return Problems(problems.found)
