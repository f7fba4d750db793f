"""What is refused whole, with its place; and the word that no output uses."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from khazana.errors import KhazanaError
from khazana.statement.checks import Verdict
from khazana.statement.envelope import disclose, write_statement
from khazana.supervision.coverage.make import Attested, CoverageNotMade
from khazana.supervision.coverage.parts import BODIES, coverage_json_schema
from khazana.supervision.coverage.reading import read_coverage
from khazana.supervision.coverage.snapshot import Draw
from khazana.supervision.coverage.summary import coverage_lines
from khazana.supervision.coverage.verify import ORDER
from khazana.units import Height
from tests.reserve.simulator import rerooted
from tests.supervision.coverage.scene import honest

HERE = Path(__file__).resolve().parents[3]
DOCS = HERE / "docs"


def told(change: Any) -> bytes:
    return write_statement(rerooted(honest().told[2].statement, change))


def put(*path: Any) -> Any:
    """A change that puts the last of `path` at the place the others name."""

    def change(parts: Any) -> None:
        *way, last, value = path
        for step in way:
            parts = parts[step]
        parts[last] = value

    return change


def drop(part: str) -> Any:
    return lambda parts: parts.pop(part)


COLD = "wallet/cold"


@pytest.mark.parametrize(
    ("change", "where", "said"),
    [
        (put("header", "licence", "OTHER"), "header.licence", "the epoch statement says PROV-7"),
        (put("header", "epoch", 3), "header.epoch", "the epoch statement says 2"),
        (put("header", "watch", 0), "header.watch", ">= 1"),
        (put("header", "surprise", 1), "header", "unknown field"),
        (put("header", "snapshot", "announced", 3), "header.snapshot", "no 4 blocks before"),
        (put("asset/BTC", "owed", -1), "asset/BTC.owed", ">= 0"),
        (put("asset/BTC", "owed", 1.5), "", ""),
        (put("asset/BTC", "status", "fully"), "asset/BTC.status", "invalid enum"),
        (put("asset/BTC", "scale", 7), "asset/BTC", "BTC has 8 decimals, not 7"),
        (put("asset/USDT", "scale", 7), "asset/USDT", "its scale is not that of liabilities/USDT"),
        (put("liabilities/BTC", "scale", 0), "asset/BTC", "its scale is not that of"),
        (put("asset/BTC", "asset", "ETH"), "asset/BTC", "it is about asset/ETH"),
        (put("liabilities/BTC", "sum", 21 * 10**14 + 1), "epoch", "is the most there can be"),
        (put("liabilities/BTC", "most", 1), "epoch", "BTC has 8 decimals and at most"),
        (put(COLD, "scripts", []), "wallet/cold.scripts", "length >= 1"),
        (put(COLD, "coins", 0, "script", 9), "coins[0].script", "no script of that number"),
        (put(COLD, "coins", 0, "outpoint", "1"), "wallet/cold.coins[0].outpoint", "regex"),
        (drop("epoch"), "header.parts", "one part called epoch"),
        (put("descriptor/cold", {"wallet": "cold", "descriptor": "wpkh(tprv8ZgxMBicQKsPd7Uf69"
             "XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyE"
             "mNUWwx8UbK/*)", "branches": [{"branch": 0, "stop": 1}]}), "descriptor", "spend"),
        (put("descriptor/none", {"wallet": "none", "descriptor": "wpkh(x)",
             "branches": [{"branch": 0, "stop": 1}]}), "descriptor/none", "no wallet none"),
        (put("odd/x", {}), "parts", "odd"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused_with_its_place(change, where, said):
    with pytest.raises((KhazanaError, TypeError, ValueError)) as refused:
        read_coverage(told(change))
    assert where in str(refused.value)
    assert said.lower() in str(refused.value).lower()


def test_a_file_that_is_cut_short_or_changed_is_refused():
    raw = honest().published()
    for wrong in (b"", raw[:-1], raw[:-200], raw.replace(b'"epoch":2', b'"epoch": 2', 1)):
        with pytest.raises(KhazanaError):
            read_coverage(wrong)
        report = honest().check(wrong)
        assert report.failed == ("schema",)
        assert report.exit_status == 1


def test_a_part_that_is_withheld_makes_its_checks_not_checkable_and_fails_none():
    scene = honest()
    for kind, blocked in (
        ("wallet", {"coverage_totals", "coverage_scripts", "coverage_coins", "coverage_borrowed"}),
        ("asset", {"coverage_totals", "coverage_assets", "coverage_borrowed"}),
    ):
        full = read_coverage(scene.published()).envelope
        shown = disclose(full, lambda name, kind=kind: not name.startswith(f"{kind}/"))
        report = scene.check(write_statement(shown))
        assert report.failed == ()
        open_ = {x.result.name for x in report.lines if x.result.verdict is Verdict.NOT_CHECKABLE}
        assert blocked <= open_, kind


def test_a_statement_is_not_made_of_another_blocks_balances():
    scene = honest()
    told_ = scene.told[2]
    other = scene.world.chain.block_at(Height(told_.epoch.block.height - 2))
    with pytest.raises(CoverageNotMade, match="the snapshot drawn is block"):
        scene.stated(told_.epoch, other, 2)


def test_a_statement_is_not_made_of_papers_about_an_unknown_asset_or_one_id_twice():
    scene = honest()
    block = scene.read(scene.told[2].statement).block
    paper = Attested(
        id="a", asset="EUR", kind="bank", holder="Bank 1", amount=1, document="d", file_sha256=None
    )
    with pytest.raises(CoverageNotMade, match="how many decimals EUR"):
        scene.stated(scene.told[2].epoch, block, 2, attested=[paper])
    with pytest.raises(CoverageNotMade, match="one id"):
        scene.stated(scene.told[2].epoch, block, 2, attested=[paper, paper], offers={"EUR": 2})


def test_a_draw_covers_its_whole_window_and_nothing_else():
    draw = Draw(announced=100, window=10)
    heights = {draw.height(f"{number:064x}") for number in range(1_000)}
    assert heights == set(range(90, 100))
    for wrong in ({"announced": 10, "window": 10}, {"announced": 100, "window": 0}):
        with pytest.raises(ValueError, match="blocks"):
            Draw(**wrong)


def test_the_published_schema_and_pages_say_what_the_types_say():
    published = json.loads((DOCS / "spec" / "coverage-parts.schema.json").read_text("utf-8"))
    assert published == coverage_json_schema()
    page = (DOCS / "spec" / "solvency.md").read_text("utf-8")
    table = page[page.index("## The coverage statement") : page.index("## Reasons for")]
    described = re.findall(r"^\| `([a-z]+)(?:/[A-Z]+)?` \|", table, flags=re.M)
    assert described == list(BODIES)
    checks = (DOCS / "spec" / "checks.md").read_text("utf-8")
    listed = re.findall(r"^\| \*(coverage_[a-z_]+)\* \|", checks, flags=re.M)
    assert listed == [name for name in ORDER if name.startswith("coverage_")]


def test_every_part_of_a_real_statement_fits_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(coverage_json_schema())
    for part in honest().told[2].statement.parts:
        validator.validate({part.kind: json.loads(json.dumps(part.body))})


def test_the_rules_of_the_page_are_those_of_the_code():
    page = (DOCS / "spec" / "solvency.md").read_text("utf-8")
    rules = set(re.findall(r"^\| (V[0-9]+) \|", page, flags=re.M))
    room = HERE / "src" / "khazana" / "supervision" / "coverage"
    code = "".join(path.read_text("utf-8") for path in room.glob("*.py"))
    assert rules == set(re.findall(r'"(V[0-9]+)"', code)) == {f"V{n}" for n in range(1, 14)}


def test_no_output_says_solvent():
    scene = honest()
    report = scene.check(scene.published())
    said = json.dumps(report.to_json()) + "\n".join(
        coverage_lines(scene.read(scene.told[2].statement))
    )
    assert "covered at block" in said
    assert not re.search(r"\b(in)?solvent\b", said, flags=re.I)
    places = [
        *(HERE / "src" / "khazana" / "supervision").rglob("*.py"),
        *(HERE / "src" / "khazana" / "cli").glob("coverage_*.py"),
        *(HERE / "src" / "khazana" / "cli" / "commands").glob("solvency*.py"),
        *(HERE / "src" / "khazana" / "portal").rglob("*.toml"),
        *(HERE / "src" / "khazana" / "portal").rglob("*.html"),
    ]
    assert len(places) > 50
    for path in places:
        assert not re.search(r"\b(in)?solvent\b", path.read_text("utf-8"), flags=re.I), path
