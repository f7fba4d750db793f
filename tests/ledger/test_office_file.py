import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Fiat, Reason
from khazana.ledger.entries import BookKind
from khazana.ledger.office import (
    AddressSource,
    BranchRange,
    DescriptorSource,
    OfficeFile,
    RawSource,
    Storage,
)
from khazana.ledger.office_file import load_office, read_office
from khazana.ledger.problems import OfficeFileRefused, Problems
from khazana.ledger.shipped import NoSuchShippedOffice, shipped_office
from tests.shared import shared_file

PAGE = Path(__file__).parents[2] / "docs" / "office-file.md"
EXAMPLE = re.compile(r"^`([a-z.]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GOOD = dict(EXAMPLE.findall(PAGE.read_text("utf-8")))


def read(files: Mapping[str, str | bytes]) -> OfficeFile:
    raw = {name: t.encode() if isinstance(t, str) else t for name, t in files.items()}
    return read_office("office.toml", raw["office.toml"], raw.get)


def test_the_documented_example_is_read_as_it_says():
    office = read(GOOD)
    assert (office.id, office.network, office.test) == ("example-office", REGTEST, True)
    assert office.name["ur"] == "مثالی بٹ کوائن دفتر"
    assert (office.rules.dust_threshold, office.rules.min_depth) == (1000, 6)
    assert [e.id for e in office.entities] == ["fund", "wallet-company"]
    cold, mining, clients = office.wallets
    assert isinstance(cold.source, DescriptorSource)
    assert cold.source.branches == (BranchRange(0, 40), BranchRange(1, 40))
    assert (cold.declared.name, cold.birth and cold.birth.name) == ("2026-01-10", "100")
    assert (cold.storage, mining.storage) == (Storage.COLD, None)
    assert mining.source == AddressSource(("bcrt1qr75hnmnum0hejlq0fm2tg2e7fg48gtk0g7h2s7",))
    assert [lane.lane for lane in mining.lanes] == [Lane.SEIZED, Lane.FORFEITED]
    assert isinstance(clients.source, RawSource)
    assert len(clients.source.scripts) == 2
    (perimeter,) = office.perimeters
    assert [m.account for m in perimeter.members] == ["cold", "mining", "custodian-1", "clients"]
    buy, pool, move = office.documents
    assert (buy.reason, buy.amount) == (Reason.ACQUISITION, 1_250_000_000)
    assert buy.at == datetime(2026, 2, 3, 10, 0, tzinfo=UTC)
    assert buy.fiat == Fiat("USD", 125_000_000, 125_000)
    assert (pool.txid, pool.fiat) == (None, None)
    assert move.counter_account == "custodian-1"
    assert office.attestations[0].amount == 100_000_000
    assert (office.book_entries[0].kind, office.book_entries[0].amount) == (BookKind.LOSS, -1500)
    assert office.roles[0].threshold == 2


# Each row: file, what is there, what stands there instead, and the problem expected:
# file, the line in which `there` begins plus an offset, field, and words of the message.
MUTATIONS = [
    ("office.toml", 'format = "khazana.office/1"', 'format = "khazana.office/2"', 0, "format",
     "reads format"),
    ("office.toml", 'network = "regtest" ', 'network = "regtset" ', 0, "office.network",
     'did you mean "regtest"'),
    ("office.toml", "test = true ", "test = false ", 0, "office.test", "must be true"),
    ("office.toml", "test = true ", 'test = "yes" ', 0, "office.test", "true or false"),
    ("office.toml", '"Asia/Karachi"', '"Asia/Karachy"', 0, "office.timezone",
     'did you mean "Asia/Karachi"'),
    ("office.toml", "notice =", "notise =", 0, "office.notise", 'did you mean "notice"'),
    ("office.toml", "min_depth = 6", "min_depth = 5", 0, "rules.min_depth", "between 6"),
    ("office.toml", "min_depth = 6", "min_depth = true", 0, "rules.min_depth", "whole number"),
    ("office.toml", "min_depth = 6", "min_depth = 6.0", 0, "rules.min_depth", "whole number"),
    ("office.toml", "dust_threshold_sat = 1_000", "dust_threshold_sat = -1", 0,
     "rules.dust_threshold_sat", "between 0"),
    ("office.toml", 'currency = "USD"', 'currency = "UDS"', 0, "rules.currency", "ISO 4217"),
    ("office.toml", '"weighted_average"', '"lifo"', 0, "rules.cost_method", "no choice"),
    ("office.toml", 'documents = ["documents.csv"]', 'documents = ["dox.csv"]', 0,
     "files.documents[1]", "no file dox.csv"),
    ("office.toml", 'documents = ["documents.csv"]', 'documents = ["../documents.csv"]', 0,
     "files.documents[1]", "must stand beside"),
    ("office.toml", 'documents = ["documents.csv"]',
     'documents = ["documents.csv",\n  "documents.csv"]', 1, "files.documents[2]", "twice"),
    ("office.toml", 'name = { en = "Reserve Fund" }', 'name = { es = "Fondo" }', 0,
     "entity[1].name", "no English name"),
    ("office.toml", 'name = { en = "Reserve Fund" }', 'name = "Reserve Fund"', 0,
     "entity[1].name", "table of languages"),
    ("office.toml", 'id = "wallet-company"', 'id = "fund"', 0, "entity[2].id", "stands in line"),
    ("office.toml", 'id = "cold"', 'id = "cold storage"', 0, "wallet[1].id", "letters, digits"),
    ("office.toml", 'id = "custodian-1"', 'id = "mining"', 0, "account[1].id", "stands in line"),
    ("office.toml", 'entity = "fund"', 'entity = "found"', 0, "wallet[1].entity",
     'did you mean "fund"'),
    ("office.toml", 'declared = "2026-01-10"', 'declared = "2026-02-30"', 0, "wallet[1].declared",
     "calendar"),
    ("office.toml", 'declared = "2026-01-10"', 'declared = "tip-6"', 0, "wallet[1].declared",
     "moves with the chain"),
    ("office.toml", 'declared = "2026-01-10"', "declared = -3", 0, "wallet[1].declared",
     "names no block"),
    ("office.toml", 'storage = "cold"', 'storage = "warm"', 0, "wallet[1].storage", "no choice"),
    ("office.toml", 'storage = "cold"', "storage = true", 0, "wallet[1].storage", "text in quotes"),
    ("office.toml", "gap = 20", "gap = 50", 0, "wallet[1].gap", "larger than a range"),
    ("office.toml", "{ branch = 1, stop = 40 }", "{ branch = 0, stop = 40 }", 0,
     "wallet[1].range", "branch 0 twice"),
    ("office.toml", "{ branch = 1, stop = 40 }", "{ branch = 2, stop = 40 }", 0,
     "wallet[1].range[2]", "no branch 2"),
    ("office.toml", ", { branch = 1, stop = 40 }", "", 0, "wallet[1].range",
     "nothing for branch 1"),
    ("office.toml", "#c8p0srtz", "#c8p0srtx", 0, "wallet[1].descriptor", "checksum"),
    ("office.toml", "{ branch = 1, stop = 40 }", "{ branch = 1, stpo = 40 }", 0,
     "wallet[1].range[2].stpo", 'did you mean "stop"'),
    ("office.toml", '"bcrt1qr75hnmnum0hejlq0fm2tg2e7fg48gtk0g7h2s7"',
     '\n  "bcrt1qr75hnmnum0hejlq0fm2tg2e7fg48gtk0g7h2s7",\n'
     '  "bcrt1qr75hnmnum0hejlq0fm2tg2e7fg48gtk0g7h2s8"', 2, "wallet[2].addresses[2]",
     "not an address of regtest"),
    ("office.toml", '"bcrt1qr75hnmnum0hejlq0fm2tg2e7fg48gtk0g7h2s7"',
     '"32ixEdVJWo3kmvJGMTZq5jAQVZZeuwnqzo"', 0, "wallet[2].addresses[1]", "regtest"),
    ("office.toml", "raw(0014f34fe0036f52d5901348f6e3c138ae51abc2761c)",
     "raw(00141fa979ee7cdbef997c0f4ed4b42b3e4a2a742ecf)", 0, "wallet[3].raw[1]",
     "declared by wallet mining"),
    ("office.toml", "raw(0014f34fe0036f52d5901348f6e3c138ae51abc2761c)", "raw(0014F3)", 0,
     "wallet[3].raw[1]", "lower-case hex"),
    ("office.toml", 'commitment = "55c2', 'commitment = "55C2', 0, "wallet[2].sealed.commitment",
     "lower-case hex"),
    ("office.toml", 'salt = "0001', 'salt = "01', 0, "wallet[2].sealed.salt", "16 bytes"),
    ("office.toml", "since = 320\n", "", -2, "wallet[2].lane[2].since", "is missing"),
    ("office.toml", 'lane = "held_for_clients"', 'lane = "clients"', 0, "wallet[3].lane[1].lane",
     "no choice"),
    ("office.toml", 'wallet = "clients"', 'wallet = "client"', 0, "perimeter[1].member[2].wallet",
     'did you mean "clients"'),
    ("office.toml", 'wallet = "clients"', 'wallet = "clients"\nentity = "fund"', -1,
     "perimeter[1].member[2]", "exactly one"),
    ("office.toml", 'public = "57748b31', 'public = "5774', 0, "key[2].public", "64 lower-case"),
    ("office.toml", "threshold = 2", "threshold = 3", 0, "role[1].threshold", "between 1 and 2"),
    ("office.toml", 'keys = ["minister", "governor"]', 'keys = ["minister", "minister"]', 0,
     "role[1].keys", "twice"),
    ("office.toml", 'keys = ["minister", "governor"]', 'keys = ["minister", "govenor"]', 0,
     "role[1].keys[2]", 'did you mean "governor"'),
    ("office.toml", "[[exclusion]]", "[[exclusions]]", 0, "exclusions", 'did you mean "exclusion"'),
    ("office.toml", "[[exclusion]]", "[[exclusion]", 0, "(text)", "is not TOML"),
    ("office.toml", "[[exclusion]]", f"a = {'9' * 5_000}\n[[exclusion]]", 0, "(text)", "too long"),
    ("office.toml", 'sector = "budgetary central government"', 'sector = " "', 0,
     "entity[1].sector", "is empty"),
    ("documents.csv", "id,reason,at", "id,raeson,at", 0, "raeson", 'did you mean "reason"'),
    ("documents.csv", "id,reason,at", "id,id,at", 0, "id", "twice"),
    ("documents.csv", "id,reason,at", "id;reason;at", 0, "id;reason;at", "no such column"),
    ("documents.csv", "buy-1,acquisition", "buy-1,aquisition", 0, "reason",
     'did you mean "acquisition"'),
    ("documents.csv", "buy-1,acquisition", "buy-1,transfer", 0, "reason", "derived from the chain"),
    ("documents.csv", "buy-1,acquisition", "pool-1,acquisition", 1, "id", "line 2 too"),
    ("documents.csv", "2026-02-03T15:00:00+05:00", "2026-02-03T15:00:00", 0, "at", "zone"),
    ("documents.csv", "2026-02-03T15:00:00+05:00", "3 Feb 2026", 0, "at", "zone"),
    ("documents.csv", "2026-02-03T15:00:00+05:00", "0001-01-01T00:00:00+05:00", 0, "at", "zone"),
    ("documents.csv", ",cold,12.5,", ",cald,12.5,", 0, "account", 'did you mean "cold"'),
    ("documents.csv", ",cold,12.5,", ",cold,0.000000001,", 0, "amount_btc", "whole number"),
    ("documents.csv", ",cold,12.5,", ",cold,-12.5,", 0, "amount_btc", "less than 1 sat"),
    ("documents.csv", ",cold,12.5,", ",cold,1e3,", 0, "amount_btc", "plain decimal"),
    ("documents.csv", ",cold,12.5,", ',cold,"1,000",', 0, "amount_btc", "plain decimal"),
    ("documents.csv", ",cold,12.5,", ",cold,21000001,", 0, "amount_btc", "ever exist"),
    ("documents.csv", ",cold,12.5,", ",cold,,", 0, "amount_sat", "missing"),
    ("documents.csv", "4a5e1e4b", "4A5E1E4B", 0, "txid", "lower-case hex"),
    ("documents.csv", ",USD,1250000.00,", ",USD,1250000.001,", 0, "paid", "2 decimals of USD"),
    ("documents.csv", ",USD,1250000.00,", ",USD,-1,", 0, "paid", "negative"),
    ("documents.csv", ",USD,1250000.00,", ",,1250000.00,", 0, "currency", "is empty"),
    ("documents.csv", ",USD,1250000.00,", ",USX,1250000.00,", 0, "currency", "ISO 4217"),
    ("documents.csv", ",USD,1250000.00,", ",USD,,", 0, "paid", "is empty"),
    ("documents.csv", ",USD,1250000.00,", ",USD,999999999999999,", 0, "paid", "exactly"),
    ("documents.csv", "first purchase", '"first" purchase', 0, "(row)", "is not CSV"),
    ("documents.csv", "first purchase", "first, purchase", 0, "(row)", "18 cells"),
    ("documents.csv", "custodian-1", "custodian-2", 0, "counter_account", 'mean "custodian-1"'),
    ("documents.csv", "bcrt1qr75hnmnum0hejlq0fm2tg2e7fg48gtk0g7h2s7", "bc1qqqqqqqqq", 0, "address",
     "regtest"),
    ("attestations.csv", "2026-03-31", "tip", 0, "as_of", "moves"),
    ("attestations.csv", "custodian-1,", "cold,", 0, "account", "no such account"),
    ("attestations.csv", ",1,letter", ",-1,letter", 0, "amount_btc", "less than 0"),
    ("book.csv", "loss,340", "perimeter_change,340", 0, "kind", "follows from"),
    ("book.csv", "loss,340", "lost,340", 0, "kind", 'did you mean "loss"'),
    ("book.csv", "-1500", "1500", 0, "amount_sat", "takes away"),
    ("book.csv", "kind,block,account,amount_sat,document,note", "", 1, "loss", "no such column"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "there", "instead", "offset", "field", "words"),
    MUTATIONS,
    ids=[f"{row[4]}: {row[5]}" for row in MUTATIONS],
)
def test_a_mistake_is_named_with_its_file_line_and_field(
    file, there, instead, offset, field, words
):
    text = GOOD[file]
    assert there in text
    line = text.count("\n", 0, text.index(there)) + 1 + offset
    with pytest.raises(OfficeFileRefused) as caught:
        read(GOOD | {file: text.replace(there, instead, 1)})
    places = {(p.place.file, p.place.line, p.place.field): p.text for p in caught.value.problems}
    assert (file, line, field) in places
    assert words in places[file, line, field]
    assert f"{file}, line {line}, {field}: " in str(caught.value)


def test_all_problems_of_all_files_are_listed_at_once():
    files = GOOD | {
        "office.toml": GOOD["office.toml"].replace("min_depth = 6", "min_depth = 1"),
        "documents.csv": GOOD["documents.csv"].replace("12.5", "x").replace(",0.5,", ",y,"),
        "book.csv": GOOD["book.csv"].replace("-1500", "z"),
    }
    with pytest.raises(OfficeFileRefused) as caught:
        read(files)
    assert [(p.place.file, p.place.field) for p in caught.value.problems] == [
        ("office.toml", "rules.min_depth"),
        ("book.csv", "amount_sat"),
        ("documents.csv", "amount_btc"),
        ("documents.csv", "amount_btc"),
    ]


@pytest.mark.parametrize("file", sorted(GOOD))
def test_text_that_is_not_utf_8_is_refused_with_its_line(file):
    raw = GOOD[file].encode()
    cut = raw.index(b"\n") + 1
    with pytest.raises(OfficeFileRefused) as caught:
        read(GOOD | {file: raw[:cut] + b"\xff" + raw[cut:]})
    (problem,) = caught.value.problems[:1]
    assert (problem.place.file, problem.place.line) == (file, 2)
    assert "UTF-8" in problem.text


def test_tables_may_have_a_byte_order_mark_any_order_of_columns_and_windows_lines():
    table = "\ufeffat,account,reason,amount_sat,id\r\n2026-01-01T00:00:00Z,cold,donation,7,gift\r\n"
    office = read(GOOD | {"documents.csv": table})
    assert [(d.id, d.reason, d.amount) for d in office.documents] == [("gift", Reason.DONATION, 7)]


@pytest.mark.parametrize(
    "key",
    [
        "cVt4o7BGAig1UXywgGSmARhxMdzP5qvQsxKkSsc1XEkw3tDTQFpy",
        "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK",
    ],
)
def test_a_private_key_is_refused_and_never_repeated(key):
    for there in ("wsh(sortedmulti(2,", '["bcrt1qr75hnmnum0hejlq0fm2tg2e7fg48gtk0g7h2s7"]'):
        instead = f"wpkh({key})" if there.startswith("wsh") else f'["{key}"]'
        with pytest.raises(OfficeFileRefused) as caught:
            read(GOOD | {"office.toml": GOOD["office.toml"].replace(there, instead, 1)})
        assert key not in str(caught.value)
        assert "rivate key" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(OfficeFileRefused, match="no such file"):
        load_office(tmp_path / "office.toml")


def test_an_office_is_read_from_a_folder(tmp_path):
    for name, text in GOOD.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert load_office(tmp_path / "office.toml") == read(GOOD)


def test_an_empty_file_lists_every_section_it_lacks():
    with pytest.raises(OfficeFileRefused) as caught:
        read({"office.toml": ""})
    assert {p.place.field for p in caught.value.problems} >= {"format", "office", "rules"}


def test_the_claimed_addresses_are_those_of_the_public_list():
    office = shipped_office("el_salvador_claimed")
    rows = shared_file("data/sv_reserve_addresses_claimed.csv").read_text().split()[1:]
    assert office.network is MAINNET
    assert office.wallets[0].source == AddressSource(tuple(row.split(",")[0] for row in rows))
    assert office.notice == "claimed by a third party, not confirmed by the office"
    assert not office.keys


def test_an_unknown_shipped_office_is_refused_with_the_names_there_are():
    with pytest.raises(NoSuchShippedOffice, match=r"atlantis.*el_salvador_claimed"):
        shipped_office("atlantis")


def read_or_problems(files: Mapping[str, str | bytes]) -> OfficeFile | Problems:
    try:
        return read(files)
    except OfficeFileRefused as refused:
        return refused.problems


ODD_VALUES = [
    *("1", "-1", "1.5", "nan", "true", '""', '"x"', '"e\u0301"', "[]", "[1]", '["x"]', "[[]]"),
    *("{}", "{ a = 1 }", "[{}]", "2026-01-01", "2026-01-01T00:00:00Z", "9" * 30, "'''\n'''"),
]
TOML_KEYS = [
    (number, line.split(" = ")[0])
    for number, line in enumerate(GOOD["office.toml"].splitlines())
    if " = " in line
]
ODD_CELLS = ["", "x", "-1", "1e9", "0", "=1+1", '"a,b"', '"', "\u0661", "99999999999999999999"]


@given(st.sampled_from(TOML_KEYS), st.sampled_from([*ODD_VALUES, None]))
def test_no_value_of_a_wrong_kind_gets_past_or_breaks_the_reader(key, value):
    number, name = key
    text = GOOD["office.toml"].splitlines()
    text[number : number + 1] = [] if value is None else [f"{name} = {value}"]
    changed = read_or_problems(GOOD | {"office.toml": "\n".join(text)})
    if not isinstance(changed, OfficeFile):
        assert all(1 <= p.place.line <= len(text) + 3 for p in changed)


@given(
    st.sampled_from(["documents.csv", "attestations.csv", "book.csv"]),
    st.integers(0, 3),
    st.integers(0, 16),
    st.sampled_from(ODD_CELLS),
)
def test_no_odd_cell_breaks_the_reader(file, row, column, cell):
    lines = [line.split(",") for line in GOOD[file].splitlines()]
    cells = lines[row % len(lines)]
    cells[column % len(cells)] = cell
    changed = read_or_problems(GOOD | {file: "\n".join(",".join(cells) for cells in lines)})
    if not isinstance(changed, OfficeFile):
        assert {p.place.file for p in changed} == {file}
