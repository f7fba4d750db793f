"""Every command, every argument, every file: a key that can spend is refused and not repeated.

The list of doors is the parser's own: a new command or option is tested from the day it is there.
"""

import argparse
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from khazana.cli.main import build_parser, main
from tests.cli.proved import told
from tests.custody.test_no_secrets import SECRETS, fragments
from tests.reserve.simulator import rerooted

CHAIN = "esplora:http://127.0.0.1:1"
"""Nobody answers there: a command that came so far has read its files."""
SERVERS = {("devnet", "run"), ("demo",), ("portal",)}
"""They take no file and would stay."""
KEPT_OUT = frozenset({"tprv", "xprv", "wif", "24 words", "quorum"})
"""One secret of each kind; tests/custody/test_no_secrets.py knows all spellings."""


def leaves(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Every command that does something, with its words."""
    below = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not below:
        yield words, parser
    for action in below:
        for name, inner in action.choices.items():
            yield from leaves(inner, (*words, name))


COMMANDS = dict(leaves(build_parser()))


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What takes a value."""
    return [a for a in parser._actions if a.dest != "help" and a.nargs != 0]


def reads_a_file(action: argparse.Action) -> bool:
    """By its type, or by how the help names it; what is written is no door."""
    writes = any(word in action.dest for word in ("out", "record", "withhold", "log", "checkpoint"))
    named = str(action.metavar or "").split("|")[0]
    files = ("FILE", "CSV", "PSBT", "PLAN", "KEYS", "ROTATIONS", "PROOFS", "SEALED")
    return not writes and (action.type is Path or named in files)


def filled(parser: argparse.ArgumentParser, file: Path, folder: Path) -> list[str]:
    """The arguments of a command with `file` wherever it reads one."""
    words: list[str] = []
    for action in arguments(parser):
        if action.dest == "chain":
            value = CHAIN
        elif reads_a_file(action):
            value = str(file)
        elif action.type is Path or "dir" in action.dest:
            value = str(folder / f"made-{action.dest}")
        elif not action.required and action.option_strings:
            continue
        elif action.choices:
            value = str(next(iter(action.choices)))
        else:
            dated = getattr(action.type, "__name__", "") == "fromisoformat"
            value = "2026-06-01" if dated else "5"
        if action.option_strings:
            words += [action.option_strings[0], value]
        elif action.nargs not in ("*", "?") or reads_a_file(action):
            words.append(value)
    return words


def said_nothing(secret: str, texts: str) -> None:
    for piece in fragments(secret):
        assert piece not in texts


def names(command: tuple[str, ...]) -> str:
    return " ".join(command)


def test_the_parser_lists_the_doors():
    assert len(COMMANDS) > 40
    doors = [a for c, p in COMMANDS.items() if c not in SERVERS for a in arguments(p)]
    assert sum(map(reads_a_file, doors)) > 60


@pytest.mark.parametrize("command", COMMANDS, ids=names)
def test_no_argument_takes_it(command, tmp_path, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    for kind in KEPT_OUT:
        secret = SECRETS[kind]
        for action in arguments(COMMANDS[command]):
            words = [*command, *action.option_strings[:1], secret]
            assert main(words) == 2, action.dest
            captured = capsys.readouterr()
            assert "it is not repeated" in captured.err
            said_nothing(secret, captured.out + captured.err + caplog.text)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", sorted(KEPT_OUT))
@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in SERVERS], ids=names)
def test_no_file_brings_it_in(command, kind, tmp_path, capsys, caplog, monkeypatch):
    """A file that holds nothing else: whatever a command takes it for, nothing of it comes out."""
    parser, secret = COMMANDS[command], SECRETS[kind]
    if not any(map(reads_a_file, arguments(parser))):
        pytest.skip("it reads no file")
    monkeypatch.setenv("KHAZANA_KEY_PASSPHRASE", "x")
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    inputs = tmp_path / "in"
    inputs.mkdir()
    file = inputs / "file"
    file.write_text(secret)
    assert main([*command, *filled(parser, file, tmp_path)]) == 2
    captured = capsys.readouterr()
    said_nothing(secret, captured.out + captured.err + caplog.text)
    made = [path for path in tmp_path.rglob("*") if path.is_file() and path != file]
    for path in made:
        said_nothing(secret, path.read_text(errors="replace"))
    assert file.read_text() == secret
    assert os.listdir(inputs) == ["file"]


# A statement of somebody else's, whose descriptor or words hold one.

STATEMENT_READERS = [
    (("statement", "show"), ()),
    (("statement", "disclose"), ("--level", "auditor", "--out", "OUT")),
    (("verify",), ("--chain", CHAIN)),
    (("custody", "prove"), ("--chain", CHAIN, "--out-dir", "OUT")),
    (("ledger", "journal"), ("--chain", CHAIN, "--format", "csv", "--out", "OUT")),
]


@pytest.mark.parametrize("kind", ["tprv", "quorum"])
@pytest.mark.parametrize(("command", "more"), STATEMENT_READERS, ids=lambda part: " ".join(part))
def test_a_statement_with_a_private_descriptor_gives_nothing_away(
    command, more, kind, tmp_path, capsys, monkeypatch
):
    secret = SECRETS[kind]
    spoiled = f"wpkh({secret}/<0;1>/*)" if kind == "tprv" else secret

    def change(parts):
        parts["descriptor/till"]["descriptor"] = spoiled

    file = tmp_path / "statement.json"
    file.write_bytes(told().world.signed(rerooted(told().statement, change)))
    out = tmp_path / "out"
    monkeypatch.setattr("khazana.cli.chains.open_chain", lambda source: told().world.chain)
    status = main([*command, str(file), *(str(out) if w == "OUT" else w for w in more)])
    captured = capsys.readouterr()
    said_nothing(secret, captured.out + captured.err)
    words = " ".join((captured.out + captured.err).split())
    assert "part descriptor/till.descriptor" in words
    assert "an extended private key stands here" in words
    assert status == (1 if command == ("verify",) else 2)
    assert not out.exists()
