"""The shipped JSON Schemas: up to date, and what the reader writes is valid under them."""

import json
from pathlib import Path

import pytest

from khazana.statement.envelope import disclose, write_statement
from khazana.statement.office_file import office_document, office_json_schema
from khazana.statement.wire import statement_json_schema
from tests.statement.drill import drill_office, figures, signed

SPEC = Path(__file__).resolve().parents[2] / "docs" / "spec"
SCHEMAS = {
    "statement.schema.json": statement_json_schema,
    "office.schema.json": office_json_schema,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_shipped_schema_is_what_the_types_say(name):
    expected = json.dumps(SCHEMAS[name](), indent=2) + "\n"
    assert (SPEC / name).read_text("utf-8") == expected, (
        f"docs/spec/{name} is out of date: write json.dumps({SCHEMAS[name].__name__}(), indent=2) "
        f"and a newline to it"
    )


def validator(name: str):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((SPEC / name).read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_statements_and_disclosures_are_valid_under_the_schema():
    check = validator("statement.schema.json")
    for statement in (
        figures(),
        signed(figures()),
        disclose(signed(figures()), lambda name: False),
    ):
        check.validate(json.loads(write_statement(statement)))


def test_offices_are_valid_under_the_schema():
    validator("office.schema.json").validate(office_document(drill_office()))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(surprise=1),
        lambda d: d.update(root="00" * 32 + "\n"),
        lambda d: d["parts"][1].update(name="Wallet"),
        lambda d: d["parts"][1].update(salt=None),
        lambda d: d.pop("withheld"),
        lambda d: d["evidence"].append({"type": "x/1"}),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(change):
    document = json.loads(write_statement(figures()))
    change(document)
    assert not validator("statement.schema.json").is_valid(document)
