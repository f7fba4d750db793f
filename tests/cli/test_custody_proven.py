"""`khazana custody proven`: the proofs of a statement show which keys are alive."""

from datetime import UTC, date, datetime

import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.cli.commands import custody_first_use
from khazana.cli.main import main
from khazana.custody.register_file import read_register
from khazana.statement.envelope import with_evidence
from tests.cli.proved import told
from tests.custody.signing import expression, fingerprint

PEOPLE = ("anna", "bo", "cia", "dara", "esa")


def register_text(created="2009-01-03"):
    lines = ['format = "khazana.keys/1"', "[register]", 'id = "keys"', 'network = "regtest"']
    for name in PEOPLE:
        account = expression(name).removesuffix("/<0;1>/*")
        lines += [
            "[[key]]",
            f'id = "{name}"',
            f'holder = "{name.title()}"',
            'agency = "Office"',
            'vendor = "trezor"',
            'model = "Safe 5"',
            'firmware_at_creation = "2.8.9"',
            'firmware = "2.8.9"',
            'seed = "device"',
            f"created = {created}",
            'site = "Vault"',
            f'fingerprint = "{fingerprint(name)}"',
            f'accounts = ["{account}"]',
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(custody_first_use, "chain_of", lambda _: told().world.chain)
    (tmp_path / "keys.toml").write_text(register_text())
    return tmp_path


def proven(folder, *evidence):
    file = folder / "statement.json"
    file.write_bytes(told().world.signed(with_evidence(told().statement, *evidence)))
    words = ["custody", "proven", folder / "keys.toml", "--statement", file]
    words += ["--chain", "esplora:http://127.0.0.1:1", "--out", folder / "new.toml"]
    status = main(list(map(str, words)))
    keys = read_register("new.toml", (folder / "new.toml").read_bytes()).keys
    return status, {key.id: key.last_proven for key in keys}


def day_of(block) -> date:
    (header,) = told().world.chain.headers(block.height, block)
    return datetime.fromtimestamp(header.time, tz=UTC).date()


@pytest.mark.parametrize("batch", [False, True])
def test_the_keys_that_signed_get_the_day_of_the_block_and_others_nothing(folder, batch, capsys):
    status, days = proven(folder, told().proofs(told().campaign(batch=batch)))
    day = day_of(told().end)
    assert status == 0
    assert days == {"anna": day, "bo": None, "cia": day, "dara": day, "esa": day}
    out = capsys.readouterr().out
    assert "4 of 5 keys signed" in out
    assert "test network, invented figures" in out


def test_a_later_campaign_gives_a_later_day(folder):
    later = told().proofs(told().campaign(block=told().later))
    first = told().proofs(told().campaign())
    assert proven(folder, first, later)[1]["anna"] == day_of(told().later)


def test_proofs_of_another_statement_and_blocks_that_never_were_show_nothing(folder):

    other = told().proofs(told().campaign(root="cd" * 32))
    assert proven(folder, other) == (1, dict.fromkeys(PEOPLE))
    never = BlockRef(told().later.height, told().end.hash)
    assert proven(folder, told().proofs(told().campaign(block=never))) == (1, dict.fromkeys(PEOPLE))


def test_a_key_made_after_that_day_is_left_alone(folder):
    (folder / "keys.toml").write_text(register_text(created="2150-01-01"))
    assert proven(folder, told().proofs(told().campaign())) == (1, dict.fromkeys(PEOPLE))
