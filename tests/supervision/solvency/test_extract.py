"""An extract is taken whole or refused whole, with line numbers."""

import pytest

from khazana.supervision.solvency.errors import ExtractRefused
from khazana.supervision.solvency.extract import rows, section_for, survey
from tests.supervision.solvency.trees import plan_for

GOOD = """#khazana.extract/1,BTC,8,liabilities
customer,balance,contribution
3520112345671,0.10000000,
a@b.example,2.50000000,{own}
#total,2.60000000,2
""".format(own="5f" * 32)
PLAN = plan_for()


def surveyed(tmp_path, text, plan=PLAN):
    path = tmp_path / "extract.csv"
    path.write_bytes(text.encode())
    return survey(section_for(path, plan.tree), plan.tree, plan.splitting)


def test_a_good_extract_is_read(tmp_path):
    found = surveyed(tmp_path, GOOD)
    assert (found.rows, found.total, found.leaves) == (2, 260_000_000, 4)
    section = section_for(tmp_path / "extract.csv", PLAN.tree)
    held = list(rows(section, PLAN.tree, PLAN.splitting))
    assert [each.balance for each in held] == [10_000_000, 250_000_000]
    assert held[1].contribution == b"\x5f" * 32


BAD = {
    "malformed row": ("3520112345671,0.10000000,", "3520112345671;0.1", "line 3: has 1 cells"),
    "duplicate": (
        "a@b.example",
        "3520112345671",
        "line 4: .*'3520112345671' stands in line 3",
    ),
    "negative": (",2.50000000", ",-2.50000000", "line 4: the balance '-2.50000000' is negative"),
    "too large": (",2.50000000", ",21000001.00000000", "line 4: .* more than there can be"),
    "wrong scale": (",2.50000000", ",2.500000", "line 4: .* has 6 decimals, BTC has 8"),
    "exponent": (",2.50000000", ",1e8", "line 4: .* no plain decimal"),
    "other digits": (",2.50000000", ",٢.50000000", "line 4: .* no plain decimal"),
    "leading zero": (",2.50000000", ",02.50000000", "line 4: .* zero too many"),
    "empty id": ("a@b.example", "", "line 4: the id '' is not"),
    "id with a space": ("a@b.example", "a b", "line 4: the id"),
    "short contribution": ("5f" * 32, "5f", "line 4: the contribution"),
    "cut within a row": ("0.10000000,\n", "0.1", "line 3|line 4"),
    "cut before the totals": ("#total,2.60000000,2\n", "", "line 5: .* cut short"),
    "no end of line": ("2.60000000,2\n", "2.60000000,2", "line 5: is not ended"),
    "a row lost": ("3520112345671,0.10000000,\n", "", "line 4: says 2 rows, and the file has 1"),
    "another total": ("2.60000000,2", "2.60000001,2", "line 5: says a total"),
    "rows after the totals": ("2.60000000,2\n", "2.60000000,2\nx,1.00000000,\n", "rows follow"),
    "another asset": ("BTC,8", "ETH,8", "line 1: .*BTC"),
    "another scale in the head": ("BTC,8", "BTC,6", "line 1"),
    "another header": ("customer,balance", "balance,customer", "line 2"),
    "a long line": ("a@b.example", "x" * 400, "line 4: is not ended"),
    "nothing": (GOOD, "", "line 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_extract_is_refused_with_its_line(tmp_path, name):
    old, new, told = BAD[name]
    text = GOOD.replace(old, new)
    assert text != GOOD
    with pytest.raises(ExtractRefused) as refused:
        surveyed(tmp_path, text)
    import re

    assert re.search(told, str(refused.value)), str(refused.value)
