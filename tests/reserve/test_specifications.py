"""The published pages and the program say the same: schema, list of checks, rules, parts."""

import json
import re
from pathlib import Path

import pytest

from khazana.reserve.levels import LEVELS
from khazana.reserve.parts import BODIES, parts_json_schema
from khazana.reserve.reading import read_reserve_statement, typed
from khazana.reserve.valuation_document import valuation_json_schema, write_valuation
from khazana.reserve.verify import ORDER
from tests.reserve.valued import inputs, valuation, valued
from tests.reserve.world import story

DOCS = Path(__file__).resolve().parents[2] / "docs"
SOURCE = Path(__file__).resolve().parents[2] / "src" / "khazana" / "reserve"


def rows(page: str, first_column: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^\| `?({first_column})`? \|", text, flags=re.M)


def test_the_schema_of_the_parts_is_the_one_the_types_give():
    published = json.loads((DOCS / "spec" / "reserve-parts.schema.json").read_text("utf-8"))
    assert published == parts_json_schema()


def test_every_part_of_a_real_statement_fits_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(parts_json_schema())
    for raw in (story().first, story().second):
        for part in read_reserve_statement(raw).envelope.parts:
            validator.validate({part.kind: json.loads(json.dumps(part.body))})


def test_the_schema_of_the_valuation_is_the_one_the_types_give_and_a_real_one_fits_it():
    published = json.loads((DOCS / "spec" / "valuation.schema.json").read_text("utf-8"))
    assert published == valuation_json_schema()
    jsonschema = pytest.importorskip("jsonschema")
    made = valued().first()
    document = valuation(typed(made.statement), cost=inputs(made))
    jsonschema.Draft202012Validator(published).validate(json.loads(write_valuation(document)))


def test_every_field_of_a_valuation_is_described():
    page = (DOCS / "spec" / "valuation.md").read_text("utf-8")
    described = re.findall(r"`([a-z_]+)`", page)
    fields = valuation_json_schema()["$defs"]["ValuationDocument"]["properties"]
    assert set(fields) <= set(described)


def test_the_page_of_checks_lists_every_check_in_the_order_of_the_report():
    names = [name for name in rows("spec/checks.md", "[a-z_]+") if name not in ("check", "source")]
    assert tuple(names) == ORDER


def test_every_kind_of_part_is_described_in_the_order_of_the_file():
    text = (DOCS / "spec" / "reserve-parts.md").read_text("utf-8")
    kinds = re.findall(r"^\| `([a-z]+)(?:/[A-Z]+)?` \|", text, flags=re.M)
    assert kinds == list(BODIES)


def test_the_level_that_shows_each_part_is_the_one_on_the_page():
    text = (DOCS / "spec" / "reserve-parts.md").read_text("utf-8")
    shown = dict(re.findall(r"^\| `([a-z]+)(?:/[A-Z]+)?` \| ([a-z]+) \|", text, flags=re.M))
    levels = list(LEVELS)
    for kind, level in shown.items():
        if level == "always":
            continue
        expected = next(name for name in levels if kind in LEVELS[name])
        assert level == expected, kind


def test_every_rule_cited_in_the_code_is_on_the_page_and_the_other_way_round():
    cited = set()
    for module in SOURCE.glob("*.py"):
        cited |= set(re.findall(r'Finding\(\s*"(R\d+)"', module.read_text("utf-8")))
    stated = set(rows("methods/statements.md", r"R\d+"))
    assert stated == {f"R{number}" for number in range(1, 21)}
    assert cited == stated
