"""docs/spec/statement.md: its worked example, recomputed with the standard library and read."""

import hashlib
import hmac
import json
import re
from pathlib import Path

from khazana.statement.envelope import read_statement, write_statement

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "spec" / "statement.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found.group(1)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_the_worked_example_follows_from_its_rules():
    seed = bytes.fromhex(re.search("Seed `([0-9a-f]+)`", PAGE).group(1))
    rows = re.findall(
        r"^\| (\S+) \| `(\w{32})` \| `(\w{64})` \| `(\w{64})` \|$", PAGE, re.MULTILINE
    )
    contents = block("text").splitlines()
    assert len(rows) == len(contents) == 3
    leaves = []
    for (name, salt, digest, leaf), content in zip(rows, contents, strict=True):
        assert json.loads(content)["name"] == name
        computed_salt = hmac.new(seed, name.encode(), hashlib.sha256).digest()[:16]
        computed = sha256(b"khazana.statement.part/1\x00" + computed_salt + content.encode())
        leaves.append(sha256(b"\x00" + computed))
        assert (computed_salt.hex(), computed.hex(), leaves[-1].hex()) == (salt, digest, leaf)
    node = sha256(b"\x01" + leaves[0] + leaves[1])
    root = sha256(b"\x01" + node + leaves[2])
    assert f"`{node.hex()}`; with the third leaf" in PAGE
    assert f"root `{root.hex()}`. The disclosure" in PAGE


def test_the_file_of_the_worked_example_is_read_and_written_to_the_byte():
    raw = block("json").encode()
    statement = read_statement(raw, kinds={"wallet"})
    assert statement.computed_root == statement.root
    assert write_statement(statement) == raw
    assert f"root `{statement.root}`" in PAGE


def test_every_rule_is_numbered_once_and_in_order():
    for page, letter in (
        (PAGE, "S"),
        ((Path(__file__).parents[2] / "docs/spec/office.md").read_text(), "O"),
    ):
        numbers = [int(n) for n in re.findall(rf"^\| {letter}(\d+) \|", page, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers
