"""The shipped checkpoints agree with their source and with the rules of proof of work."""

import csv
import hashlib
import tomllib
from importlib import resources

import pytest

from khazana.bitcoin.checkpoints import (
    BadCheckpoints,
    Checkpoints,
    Epoch,
    read_checkpoints,
    shipped_checkpoints,
)
from khazana.bitcoin.network import MAINNET, REGTEST, TESTNET3
from khazana.bitcoin.work import difficulty_of, target_of
from khazana.units import Height
from tests.shared import shared_file

DATA = resources.files("khazana.bitcoin").joinpath("data")
TEXT = DATA.joinpath("mainnet_checkpoints.csv").read_text(encoding="ascii")
LINES = TEXT.splitlines()


def edited(line: int, row: str) -> str:
    return "\n".join([*LINES[: line - 1], row, *LINES[line:]]) + "\n"


def test_the_table_is_the_one_its_source_describes() -> None:
    source = tomllib.loads(DATA.joinpath("mainnet_checkpoints.source.toml").read_text("utf-8"))
    raw = DATA.joinpath(source["file"]).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == source["sha256"]
    assert len(LINES) - 1 == source["rows"]
    assert LINES[0].split(",") == list(source["columns"])
    assert source["licence"] == "MIT"
    assert "Electrum developers" in source["notice"]["text"]


def test_every_epoch_agrees_with_the_full_table() -> None:
    checkpoints = shipped_checkpoints(MAINNET)
    rows = list(csv.DictReader(shared_file("data/btc_difficulty_epochs.csv").open()))
    assert len(rows) == len(checkpoints.epochs) == 474
    for row, epoch in zip(rows, checkpoints.epochs, strict=True):
        assert epoch.first == int(row["start_height"])
        assert target_of(epoch.bits) == int(row["target_hex"], 16)
        assert (epoch.previous or "") == row["last_hash_of_previous_epoch"]
        assert float(difficulty_of(epoch.bits)) == pytest.approx(float(row["difficulty"]))


def test_known_blocks_are_found_by_height() -> None:
    checkpoints = shipped_checkpoints(MAINNET)
    assert checkpoints.hash_at(Height(0)) == MAINNET.genesis
    assert checkpoints.hash_at(Height(2015)) == (
        "00000000693067b0e6b440bc51450b9f3850561b07f6d3c021c54fbd6abb9763"
    )
    assert checkpoints.hash_at(Height(2014)) is None
    assert checkpoints.hash_at(Height(2016)) is None
    assert checkpoints.newest == 953_567
    assert checkpoints.hash_at(checkpoints.newest) is not None
    assert checkpoints.hash_at(Height(953_568 + 2015)) is None
    assert checkpoints.epoch_at(Height(953_568 + 2016)) is None


def test_beyond_the_table_the_target_can_grow_by_four_per_epoch() -> None:
    checkpoints = shipped_checkpoints(MAINNET)
    last = target_of(checkpoints.epochs[-1].bits)
    assert checkpoints.easiest_target_at(Height(953_568)) == last
    assert checkpoints.easiest_target_at(Height(953_568 + 2016)) == 4 * last
    assert checkpoints.easiest_target_at(Height(953_568 + 2 * 2016)) == 16 * last
    assert checkpoints.easiest_target_at(Height(10**8)) == target_of(MAINNET.pow_limit_bits)


@pytest.mark.parametrize(
    ("height", "chainwork"),
    [
        # nMinimumChainWork and the height of defaultAssumeValid in Bitcoin Core 26, 27, 28 and 29,
        # kernel/chainparams.cpp (MIT; facts).
        (804_000, 0x52B2559353DF4117B7348B64),
        (824_000, 0x63C4EBD298DB40AF57541800),
        (856_760, 0x88E186B70E0862C193EC44D6),
        (886_157, 0xB1F3B93B65B16D035A82BE84),
    ],
)
def test_the_tables_work_is_the_chainwork_that_core_ships(height: int, chainwork: int) -> None:
    assert shipped_checkpoints(MAINNET).work_at(Height(height)) == chainwork


def test_work_is_known_where_the_table_reaches_and_nowhere_else() -> None:
    checkpoints = shipped_checkpoints(MAINNET)
    assert checkpoints.work_at(Height(0)) == 0x1_0001_0001
    assert checkpoints.work_at(Height(2016)) == 2017 * 0x1_0001_0001
    assert checkpoints.work_at(Height(953_568 + 2016)) is None
    assert shipped_checkpoints(REGTEST).work_at(Height(0)) is None


def test_other_networks_have_only_their_genesis_block() -> None:
    for network in (TESTNET3, REGTEST):
        checkpoints = shipped_checkpoints(network)
        assert checkpoints.epochs == ()
        assert checkpoints.newest == 0
        assert checkpoints.hash_at(Height(0)) == network.genesis
        assert checkpoints.hash_at(Height(2015)) is None
        assert checkpoints.easiest_target_at(Height(5000)) == target_of(network.pow_limit_bits)


@pytest.mark.parametrize(
    ("line", "row", "problem"),
    [
        (1, "epoch,start,bits,hash", "the columns are not"),
        (2, "0,0,1d00fffe,", "has not the genesis bits"),
        (2, "0,0,1d00ffff," + "00" * 32, "no block stands before"),
        (3, LINES[2].replace("1,2016", "1,2015", 1), "epoch 1 from height 2016 belongs here"),
        (4, LINES[4], "epoch 2 from height 4032 belongs here"),
        (5, LINES[4] + ",", "5 fields where 4 belong"),
        (5, "", "0 fields where 4 belong"),
        (6, LINES[5].replace("1d00ffff", "1D00FFFF"), "not 8 hex digits"),
        (6, LINES[5].replace("1d00ffff", "1d00fff"), "not 8 hex digits"),
        (6, LINES[5].replace("1d00ffff", "1e0000ff"), "not canonical"),
        (6, LINES[5].replace("1d00ffff", "1d80ffff"), "negative"),
        (6, LINES[5].replace("1d00ffff", "00000000"), "zero"),
        (6, LINES[5].replace("1d00ffff", "1d01fffe"), "easier than the network allows"),
        (6, LINES[5].replace("1d00ffff", "1c3fffbf"), "more than a factor of 4"),
        (6, LINES[5][:-1], "not 64 hex digits"),
        (300, LINES[299].replace(",0000", ",f000", 1), "no proof of the work"),
        (300, LINES[299].replace(",17", ",18"), "a factor of 4"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused_with_its_line(
    line: int, row: str, problem: str
) -> None:
    with pytest.raises(BadCheckpoints, match=problem) as caught:
        read_checkpoints(edited(line, row), network=MAINNET, file="table.csv")
    assert caught.value.line in (line, line + 1)
    assert "table.csv, line" in str(caught.value)


@pytest.mark.parametrize("text", ["", LINES[0] + "\n"])
def test_an_empty_table_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoints):
        read_checkpoints(text, network=MAINNET, file="table.csv")


def test_epochs_have_no_gap() -> None:
    with pytest.raises(ValueError, match="epoch 0 cannot start at height 2016"):
        Checkpoints(MAINNET, (Epoch(Height(2016), 0x1D00FFFF, None),))
