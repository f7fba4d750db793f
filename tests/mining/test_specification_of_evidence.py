"""The page on evidence and the program say the same rules."""

import json
import re
from pathlib import Path

from khazana.mining.parts import parts_json_schema

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    *sorted((ROOT / "src" / "khazana" / "mining").rglob("*.py")),
    ROOT / "src" / "khazana" / "cli" / "mining_checks.py",
]
PAGE = (ROOT / "docs" / "spec" / "mining-evidence.md").read_text("utf-8")
FORMULAS = {"E40", "E41", "E42", "E43", "E44", "E45"}


def test_every_rule_on_evidence_that_the_code_cites_is_on_the_page_and_the_other_way_round():
    cited = {rule for path in SOURCES for rule in re.findall(r'"(E\d+)"', path.read_text("utf-8"))}
    stated = set(re.findall(r"^\| (E\d+) \|", PAGE, flags=re.M))
    assert cited == stated - FORMULAS
    assert stated >= FORMULAS


def test_every_rule_on_evidence_has_a_test():
    folders = (ROOT / "tests" / "mining", ROOT / "tests" / "cli")
    tested = set()
    for folder in folders:
        for path in folder.glob("test_*.py"):
            tested |= set(re.findall(r'"(E\d+)"', path.read_text("utf-8")))
    stated = set(re.findall(r"^\| (E\d+) \|", PAGE, flags=re.M))
    assert stated - FORMULAS - tested == set()


def test_the_schema_of_the_part_is_the_one_the_types_give():
    published = json.loads((ROOT / "docs" / "spec" / "mining-part.schema.json").read_text("utf-8"))
    assert published == parts_json_schema()
