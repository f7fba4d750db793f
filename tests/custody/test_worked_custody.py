"""The tables and rules of docs/methods/custody.md are recomputed."""

import re
from pathlib import Path

import pytest

from khazana.custody.advisories import shipped_advisories
from khazana.custody.register_file import read_register
from khazana.custody.words import describe
from tests.custody.quorums import NAMES, A, B, C, D, parsed, register_text

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "methods" / "custody.md").read_text("utf-8")
WORDS = re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE, re.MULTILINE)
SEEDS = re.findall(r"^\| (\S+) (.+?) \| (\S+) \| (finding|-) \|$", PAGE, re.MULTILINE)
KEYS = {"A": A, "B": B, "C": C, "D": D}


def test_both_tables_were_found():
    assert (len(WORDS), len(SEEDS)) == (5, 8)


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_policies_in_words(text, words):
    filled = re.sub(r"\b[ABCD]\b", lambda found: KEYS[found[0]], text)
    assert describe(parsed(filled), NAMES) == words


@pytest.mark.parametrize(("vendor", "model", "firmware", "found"), SEEDS)
def test_seeds_that_an_advisory_touches(vendor, model, firmware, found):
    fields = {"vendor": vendor, "model": model, "firmware_at_creation": firmware}
    text = register_text(anna={name: f'"{value}"' for name, value in fields.items()})
    key = read_register("keys.toml", text.encode()).keys[0]
    touched = any(advisory.touches(key) for advisory in shipped_advisories())
    assert touched == (found == "finding")


def test_every_rule_in_the_code_stands_on_the_page_and_the_other_way_round():
    sources = (ROOT / "src" / "khazana" / "custody").rglob("*.py")
    cited = set(re.findall(r"\bK\d+\b", "".join(path.read_text("utf-8") for path in sources)))
    stated = re.findall(r"^- \*\*(K\d+)\.", PAGE, re.MULTILINE)
    assert stated == [f"K{number}" for number in range(1, 16)]
    # K14 stands in khazana.bitcoin.secrets, below this room.
    assert cited <= set(stated)
    assert set(stated) - cited <= {"K3", "K14"}
