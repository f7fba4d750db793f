"""The house rules that a program can check, over the whole source tree."""

import ast
import hashlib
import importlib
import importlib.metadata
import pkgutil
import re
import shutil
import socket
import string
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import khazana
from khazana.errors import KhazanaError

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "khazana"
SOURCES = sorted(PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
EXACT_ROOMS = ("accord", "conditions", "custody", "ledger", "reserve", "statement")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


# What a clone contains


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git clone")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


REGISTRIES = re.compile(
    r"pypi\.org|python(?:hosted)\.org|registry\.npm(?:js)|deb\.(?:debian)\.org|index-(?:url)\b|"
    r"find-(?:links)\b"
)
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:work|root|farm|Users/\w+|home/\w+)/")
# The compiler of the lock files and this test name what they forbid.
MAY_NAME_REGISTRIES = {"requirements/compile.py", "tests/test_house.py"}


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine():
    found = []
    for file in tracked_files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            registry = named(file) not in MAY_NAME_REGISTRIES and REGISTRIES.search(line)
            if registry or MACHINE_PATHS.search(line):
                found.append(f"{named(file)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize("folder", ["work", "root", "home/ada", "Users/ada"])
@pytest.mark.parametrize("before", ["", "see ", "'", "file://"])
def test_a_path_of_one_machine_is_recognised(before, folder):
    assert MACHINE_PATHS.search(f"{before}/{folder}/khazana")


@pytest.mark.parametrize("path", ["src/work/x", "~/root/x", "/rooted/", "https://x.example/a/b"])
def test_other_paths_are_left_alone(path):
    assert not MACHINE_PATHS.search(path)


# Lock files


def pinned(lock: Path) -> dict[str, str]:
    """Each package's version; refuses a line that is neither a pin nor its hashes."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    assert lines.pop(0) == "--only-binary :all:"
    pins: dict[str, str] = {}
    for line in lines:
        requirement, *hashes = re.split(r"\s+--hash=", line)
        match = re.fullmatch(r"([a-z0-9-]+)==([^\s;]+)( ; .*)?", requirement)
        assert match, f"{lock.name}: {requirement!r} is not a pin"
        assert hashes, f"{lock.name}: {requirement!r} has no hash"
        for digest in hashes:
            assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest.strip()), f"{lock.name}: {line}"
        assert match[1] not in pins, f"{lock.name}: {match[1]} is pinned twice"
        pins[match[1]] = match[2]
    return pins


def wanted_by(extra: str) -> Iterator[Requirement]:
    for line in PROJECT["project"]["optional-dependencies"][extra]:
        requirement = Requirement(line)
        if requirement.name == "khazana":
            for inner in sorted(requirement.extras):
                yield from wanted_by(inner)
        else:
            yield requirement


LOCKED_EXTRA = {
    "audit": "audit",
    "base": None,
    "bench": "bench",
    "dev": "dev",
    "demo": "demo",
    "devnet": "devnet",
    "portal": "portal",
    "postgres": "postgres",
    "office": "office",
    "mining": "mining",
    "supervision": "supervision",
    "rooms": "test",
}


def test_every_lock_file_belongs_to_a_profile():
    assert [lock.stem for lock in LOCKS] == sorted(LOCKED_EXTRA)
    locked = {extra for extra in LOCKED_EXTRA.values() if extra}
    assert locked == set(PROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_files_hold_hash_pins_and_no_address(lock):
    assert pinned(lock)
    assert "://" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_files_satisfy_what_the_project_asks_for(lock):
    pins = pinned(lock)
    asked = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    asked += [Requirement(line) for line in PROJECT["build-system"]["requires"]]
    if extra := LOCKED_EXTRA[lock.stem]:
        asked += wanted_by(extra)
    for requirement in asked:
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"{lock.name} lacks {requirement.name}: run `make lock`"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement}"


def test_lock_files_agree_on_every_version():
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in pinned(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_pinned_package_accepts_the_oldest_python_we_promise():
    """A pin made on a newer Python may refuse an older one: Debian 12 has 3.11.2."""
    promised = PROJECT["project"]["requires-python"].removeprefix(">=") + ".0"
    refusing = {}
    for name in pinned(ROOT / "requirements" / "dev.lock"):
        asked = importlib.metadata.metadata(name).get("Requires-Python")
        if asked and not SpecifierSet(asked).contains(promised):
            refusing[name] = asked
    assert refusing == {}


def test_the_base_profile_contains_nothing_but_what_verify_needs():
    heavy = {"bdkpython", "django", "numba", "numpy", "py-bitcoinkernel", "starlette", "uvicorn"}
    assert heavy.isdisjoint(pinned(ROOT / "requirements" / "base.lock"))


# Import contracts


def contract(name: str) -> dict[str, Any]:
    (found,) = [one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["name"] == name]
    return found


def rooms() -> set[str]:
    return {
        f"khazana.{path.stem}"
        for path in PACKAGE.iterdir()
        if path.stem not in ("__init__", "__pycache__", "__main__")
        and (path.suffix == ".py" or (path / "__init__.py").exists())
    }


def test_the_contracts_name_every_room():
    without_django = set(contract("Only the portal knows Django")["source_modules"])
    quiet = set(contract("Rooms neither open sockets nor start programs")["source_modules"])
    assert without_django == rooms() - {"khazana.portal"}
    assert quiet == rooms() - {"khazana.portal", "khazana.cli", "khazana.devnet"}


# Source text


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_module_opens_with_a_docstring(path):
    docstring = ast.get_docstring(parsed(path))
    assert docstring, f"{named(path)} does not say what it is about"
    first = docstring.splitlines()[0]
    assert first.endswith((".", ":", "?")), f"{named(path)}: the first line is not a whole sentence"


def floats_in(tree: ast.Module) -> Iterator[int]:
    """Lines where a float is written, named or made; asking whether a value is one is fine."""
    asked = {
        id(word)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "isinstance"
        for word in ast.walk(node.args[1])
    }
    for node in ast.walk(tree):
        written = isinstance(node, ast.Constant) and isinstance(node.value, (float, complex))
        word = isinstance(node, ast.Name) and node.id == "float" and id(node) not in asked
        if written or word:
            yield node.lineno


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.relative_to(PACKAGE).parts[0] in EXACT_ROOMS],
    ids=named,
)
def test_rooms_that_count_money_hold_no_float(path):
    assert list(floats_in(parsed(path))) == []


@pytest.mark.parametrize("code", ["x = 0.5", "y = float('1')", "def f(x: float): ...", "z = 1e8"])
def test_a_float_is_recognised(code):
    assert list(floats_in(ast.parse(code))) == [1]


@pytest.mark.parametrize("code", ["isinstance(x, float)", "isinstance(x, (int, float))", "a = 1"])
def test_asking_whether_a_value_is_a_float_is_fine(code):
    assert list(floats_in(ast.parse(code))) == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_assert_guards_nothing_outside_the_tests(path):
    found = [node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Assert)]
    assert found == []


# The tests themselves


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_a_test_cannot_connect_to_another_machine(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client, pytest.raises(RuntimeError, match=r"127\.0\.0\.1"):
        client.connect(address)


def test_a_test_cannot_ask_for_the_address_of_another_machine():
    with pytest.raises(RuntimeError, match=r"node\.example"):
        socket.getaddrinfo("node.example", 80)


def test_a_test_can_connect_to_its_own_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


# Errors


def error_kinds() -> list[type[KhazanaError]]:
    for module in pkgutil.walk_packages(khazana.__path__, "khazana."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    kinds: list[type[KhazanaError]] = []
    waiting: list[type[KhazanaError]] = [KhazanaError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        # Only classes that live in a module of ours: examples in docstrings and tests come and go.
        ours = kind.__module__.partition(".")[0] == khazana.__name__
        if ours and getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind:
            kinds.append(kind)
    return sorted(set(kinds), key=lambda kind: (kind.__module__, kind.__name__))


class _Anything:
    """Stands for a fact of any type when only the sentence around it is tested."""

    def __getattr__(self, name: str) -> "_Anything":
        return self

    def __format__(self, how: str) -> str:
        return "something"


def sample(hint: Any) -> Any:
    base = getattr(hint, "__supertype__", hint)
    return {int: 7, str: "something"}.get(base, _Anything())


def test_every_error_has_a_code_of_its_own():
    codes = Counter(kind.code for kind in error_kinds())
    assert len(codes) > 1
    assert {code: times for code, times in codes.items() if times > 1} == {}
    for code in codes:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", code), code


def test_every_error_says_itself_in_a_sentence_made_of_its_facts():
    for kind in error_kinds():
        facts = {field.name for field in fields(kind)}
        assert all(field.kw_only for field in fields(kind)), f"{kind.__name__} is not keyword-only"
        for _, name, _, _ in string.Formatter().parse(kind.words):
            root = re.split(r"[.\[]", name)[0] if name is not None else None
            assert root is None or root in facts, f"{kind.__name__}: {{{name}}} is not a fact"
        hints = get_type_hints(kind)
        error = kind(**{field.name: sample(hints[field.name]) for field in fields(kind)})
        if kind.__str__ is KhazanaError.__str__:
            assert len(str(error)) > 10, f"{kind.__name__} says nothing"


def test_no_two_errors_state_the_same_words_unless_one_is_a_case_of_the_other():
    words = Counter(kind.words for kind in error_kinds() if "words" in vars(kind))
    assert {sentence: times for sentence, times in words.items() if times > 1} == {}


# Data


def is_data(path: Path) -> bool:
    """Everything in a room's `data/` but our own prose and programs, and notes on its origin."""
    ours = (".source.toml", ".md", ".py", ".pyc", ".js", ".css", ".html")
    return (
        path.is_file()
        and not path.name.endswith(ours)
        and "data" in path.relative_to(PACKAGE).parts[:-1]
    )


TABLES = sorted(filter(is_data, PACKAGE.rglob("*")))
PARENTS = {"publisher", "address", "retrieved", "licence", "sha256", "changes"}


def orphans(tables: Iterable[Path]) -> list[str]:
    """What is wrong with the parentage of these tables."""
    wrong = []
    for table in tables:
        source = table.with_suffix(".source.toml")
        if not source.exists():
            wrong.append(f"{table.name} has no {source.name}")
            continue
        said = tomllib.loads(source.read_text(encoding="utf-8"))
        if missing := sorted(PARENTS - said.keys()):
            wrong.append(f"{source.name} does not say {', '.join(missing)}")
        elif said["sha256"] != hashlib.sha256(table.read_bytes()).hexdigest():
            wrong.append(f"{table.name} is not the file whose sha256 {source.name} states")
    return wrong


def test_every_table_that_ships_has_its_parents_beside_it():
    assert TABLES
    assert orphans(TABLES) == []


def test_a_table_without_parents_or_with_others_is_found(tmp_path):
    table = tmp_path / "epochs.csv"
    table.write_bytes(b"height\n0\n")
    source = tmp_path / "epochs.source.toml"
    assert orphans([table]) == ["epochs.csv has no epochs.source.toml"]
    said = dict.fromkeys(PARENTS - {"sha256"}, "x")
    source.write_text("".join(f'{key} = "{said[key]}"\n' for key in sorted(said)))
    assert orphans([table]) == ["epochs.source.toml does not say sha256"]
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    with source.open("a") as file:
        file.write(f'sha256 = "{digest}"\n')
    assert orphans([table]) == []
    table.write_bytes(b"height\n1\n")
    assert orphans([table]) == ["epochs.csv is not the file whose sha256 epochs.source.toml states"]
