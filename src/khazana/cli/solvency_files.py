"""A provider's files as the commands read them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from khazana.cli.files import FileNotUsable, FileRefused, naming, read_bytes
from khazana.cli.usage import WrongArguments
from khazana.ledger.canonical import parse_strict
from khazana.statement.dsse import Envelope, read_envelope
from khazana.statement.dsse import valid_signers as signers_of
from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import key_id
from khazana.supervision.coverage.reading import is_coverage, read_coverage
from khazana.supervision.solvency.epoch import PAYLOAD_TYPE, Epoch, read_epoch
from khazana.supervision.solvency.plan import Plan
from khazana.supervision.solvency.recompute import plan_of

MOST_FILE = 1 << 24
EPOCH_FILE = "epoch.json"
KEYS_FILE = "tree-keys.txt"


def epoch_in(path: Path, *, signer: str | None = None) -> Epoch:
    """The epoch statement in a file, or in the coverage statement that carries it.

    signer: public key in hex that must have signed it.
    """
    raw = read_bytes(path, most=MOST_FILE)
    if is_coverage(raw):
        return _epoch_of_coverage(path, raw, signer=signer)
    with naming(path):
        envelope = read_envelope(parse_strict(raw))
        if envelope.payload_type != PAYLOAD_TYPE:
            raise SignatureRefused(problem=f"it signs {envelope.payload_type!r}")
        if signer is not None:
            _signed_by(envelope, signer)
    return read_epoch(envelope.payload)


def secret_in(path: Path) -> bytes:
    """32 bytes written as 64 hex digits."""
    text = read_bytes(path, most=1 << 12).decode("ascii", "replace").strip()
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise FileNotUsable(path=str(path), problem="holds no 64 lower-case hex digits")
    return bytes.fromhex(text)


def keys_in(path: Path) -> dict[str, bytes]:
    """The keys of an epoch's trees: lines such as `liabilities/BTC 64-HEX-DIGITS`."""
    found: dict[str, bytes] = {}
    text = read_bytes(path, most=MOST_FILE).decode("ascii", "replace")
    for number, line in enumerate(text.splitlines(), start=1):
        name, _, key = line.partition(" ")
        if len(key) != 64 or not set(key) <= set("0123456789abcdef") or name in found:
            problem = f"line {number} is not a tree's name and 64 lower-case hex digits, each once"
            raise FileNotUsable(path=str(path), problem=problem)
        found[name] = bytes.fromhex(key)
    return found


def keys_text(keys: Mapping[str, bytes]) -> bytes:
    """The file that `keys_in` reads."""
    return "".join(f"{name} {key.hex()}\n" for name, key in sorted(keys.items())).encode()


def plan_in(keys: Path, epoch: Epoch, number: int) -> Plan:
    """How a tree of the statement was built."""
    name = epoch.trees[number].name
    key = keys_in(keys).get(name)
    if key is None:
        raise FileNotUsable(path=str(keys), problem=f"has no key of {name}")
    return plan_of(epoch, number, key=key)


def trees_chosen(epoch: Epoch, name: str | None, *, command: str) -> list[int]:
    """The numbers of all trees, or of the one with this name."""
    names = [tree.name for tree in epoch.trees]
    if name is None:
        return list(range(len(names)))
    if name not in names:
        problem = f"--tree {name!r} is none of {', '.join(names)}"
        raise WrongArguments(command=command, problem=problem)
    return [names.index(name)]


@contextmanager
def room_in(path: Path) -> Iterator[None]:
    """What the disk refuses inside, such as more room, is said of this folder."""
    try:
        yield
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise FileNotUsable(path=str(path), problem=problem) from error


def require_readable(path: Path) -> None:
    """FileNotUsable unless the file can be opened."""
    try:
        with path.open("rb"):
            return
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise FileNotUsable(path=str(path), problem=problem) from error


def _epoch_of_coverage(path: Path, raw: bytes, *, signer: str | None) -> Epoch:
    """What a slip is held to is under the statement's root, so its parts must give that root."""
    with naming(path):
        statement = read_coverage(raw)
    problem = None
    if statement.envelope.computed_root != statement.root:
        problem = "its parts do not give its root"
    elif signer is not None:
        problem = "who signed a coverage statement is checked by `khazana verify --office`"
    epoch = statement.epoch
    if epoch is None:
        problem = "it withholds the epoch or a tree"
    if problem is not None or epoch is None:
        raise FileRefused(path=str(path), problem=problem or "")
    return epoch


def _signed_by(envelope: Envelope, signer: str) -> None:
    try:
        public = bytes.fromhex(signer)
    except ValueError as error:
        raise WrongArguments(command="solvency check", problem="--signer is no hex") from error
    if key_id(public) not in signers_of(envelope, {key_id(public): public}):
        raise SignatureRefused(problem="the key given with --signer did not sign it")
