"""Reads a methods page: its examples with their tables, and the transactions they describe."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from khazana.bitcoin.chain import Coin
from khazana.bitcoin.transaction import OutPoint
from tests.ledger.paper_chain import PaperChain

Row = dict[str, str]


@dataclass(frozen=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass
class Example:
    title: str
    tables: list[Table] = field(default_factory=list)

    def table(self, first: str) -> Table:
        """The table whose first column has this name."""
        (found,) = (table for table in self.tables if table.columns[0] == first)
        return found


def examples_of(page: Path) -> list[Example]:
    """Every section of the page that has tables; each table under the heading before it."""
    examples = [Example("")]
    lines: list[str] = []
    for line in [*page.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("|"):
            lines.append(line)
            continue
        if lines:
            examples[-1].tables.append(_table(lines))
            lines = []
        if line.startswith("#"):
            examples.append(Example(line.lstrip("# ")))
    return [example for example in examples if example.tables]


def _table(lines: list[str]) -> Table:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    columns = tuple(cells[0])
    assert all(set(cell) <= {"-", ":"} for cell in cells[1]), lines[1]
    rows = tuple(dict(zip(columns, row, strict=True)) for row in cells[2:])
    return Table(columns, rows)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def parties(cell: str) -> list[tuple[str, str]]:
    """`fund 1,000, outsider ?` as pairs of party and amount."""
    found = re.findall(r"([a-z]+) ([0-9][0-9,]*[0-9]|[0-9]|\?)(?:, |$)", cell)
    assert ", ".join(" ".join(pair) for pair in found) == cell, cell
    return found


def mine(transactions: Table, chain: PaperChain) -> dict[OutPoint, Coin]:
    """The transactions of an example, mined; the coins they needed from before are returned.

    An input is a coin that an earlier row made for that party, or else an opening coin.
    """
    opening: dict[OutPoint, Coin] = {}
    free: dict[tuple[str, str], list[OutPoint]] = {}
    for row in transactions.rows:
        outputs = parties(row["Outputs"])
        paid = [(_script(party), number(amount)) for party, amount in outputs]
        if row["Inputs"] == "coinbase":
            chain.coinbase(number(row["Block"]), paid)
            continue
        inputs = []
        for party, amount in parties(row["Inputs"]):
            if party == "outsider":
                inputs.append(chain.foreign())
            elif free.get((party, amount)):
                inputs.append(free[party, amount].pop())
            else:
                coin = chain.coin(party, number(amount))
                opening[coin.outpoint] = coin
                inputs.append(coin.outpoint)
        made = chain.pay(number(row["Block"]), inputs, paid)
        for vout, output in enumerate(outputs):
            free.setdefault(output, []).append(made.outpoint(vout))
    return opening


def _script(party: str) -> str:
    return "stranger" if party == "outsider" else party
