"""office.toml as a program writes it: it reads back as what was meant."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.cli.main import main
from khazana.ledger.new_office import new_office_values
from khazana.ledger.office_file import load_office
from khazana.ledger.toml_writing import write_toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KEYS = st.one_of(st.from_regex("[a-z_-]{1,8}", fullmatch=True), TEXT)
PLAIN = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.dates())
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_what_is_written_reads_back_as_the_same_values(values):
    assert tomllib.loads(write_toml(values).decode()) == values


def test_the_documented_office_is_the_same_after_it_was_written(tmp_path):
    text = (Path(__file__).resolve().parents[2] / "docs" / "office-file.md").read_text("utf-8")
    values = tomllib.loads(text.split("```toml\n", 1)[1].split("```", 1)[0])
    assert tomllib.loads(write_toml(values).decode()) == values
    assert write_toml(values) == write_toml(tomllib.loads(write_toml(values).decode()))


def test_what_no_office_file_holds_is_refused():
    with pytest.raises(TypeError, match="float"):
        write_toml({"rate": 0.5})
    assert write_toml({"day": date(2026, 3, 1)}) == b"day = 2026-03-01\n"


def test_a_new_office_is_one_that_the_ledger_reads(tmp_path, capsys):
    words = ["init", str(tmp_path / "office"), "--id", "new-office", "--name", "New Office"]
    words += ["--network", "regtest", "--timezone", "Asia/Karachi"]
    assert main(words) == 0
    assert "test network, invented figures" in capsys.readouterr().out
    office = load_office(tmp_path / "office" / "office.toml")
    assert (office.id, office.test, office.rules.min_depth) == ("new-office", True, 6)
    assert office.entities == ()
    assert main(words) == 2  # what is there is not overwritten
    capsys.readouterr()
    assert main(["init", str(tmp_path / "x"), "--id", "!", "--name", "", "--timezone", "Mars"]) == 2
    said = capsys.readouterr().err
    assert all(field in said for field in ("office.id", "office.name", "office.timezone"))
    assert not (tmp_path / "x").exists()


def test_a_new_office_on_the_main_network_is_no_test():
    values = new_office_values(
        id_="x", names={"en": "X", "ur": ""}, network="mainnet", timezone="UTC", currency="USD"
    )
    assert values["office"]["test"] is False
    assert values["office"]["name"] == {"en": "X"}
