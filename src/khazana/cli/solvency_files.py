"""A provider's files as the commands read them."""

from pathlib import Path

from khazana.cli.files import FileNotUsable, naming, read_bytes
from khazana.cli.usage import WrongArguments
from khazana.ledger.canonical import parse_strict
from khazana.statement.dsse import Envelope, read_envelope
from khazana.statement.dsse import valid_signers as signers_of
from khazana.statement.errors import SignatureRefused
from khazana.statement.keys import key_id
from khazana.supervision.solvency.epoch import PAYLOAD_TYPE, Epoch, read_epoch

MOST_FILE = 1 << 24


def epoch_in(path: Path, *, signer: str | None = None) -> Epoch:
    """The epoch statement in a file. signer: public key in hex that must have signed it."""
    raw = read_bytes(path, most=MOST_FILE)
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


def require_readable(path: Path) -> None:
    """FileNotUsable unless the file can be opened."""
    try:
        with path.open("rb"):
            return
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise FileNotUsable(path=str(path), problem=problem) from error


def _signed_by(envelope: Envelope, signer: str) -> None:
    try:
        public = bytes.fromhex(signer)
    except ValueError as error:
        raise WrongArguments(command="solvency check", problem="--signer is no hex") from error
    if key_id(public) not in signers_of(envelope, {key_id(public): public}):
        raise SignatureRefused(problem="the key given with --signer did not sign it")
