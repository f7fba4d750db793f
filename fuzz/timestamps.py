"""Fuzz the reading of time stamps: what is read is written back alike, the rest is refused."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["khazana.statement"], enable_loader_override=False):
    from khazana.bitcoin.reader import MalformedBytes
    from khazana.statement.timestamps.format import MAGIC, read_proof, write_proof

from tests.statement.timestamps.published import PROOF, WAITING
from tests.statement.timestamps.test_judge import stamped


class Finding(Exception):
    """A proof that is not what its bytes say."""


def judge(data: bytes) -> None:
    # Half of the inputs without the head, or mutations would seldom get past it.
    raw = data[1:] if data[:1] != b"\x01" else MAGIC + b"\x01\x08" + data[1:]
    try:
        proof = read_proof(raw)
    except MalformedBytes as refused:
        if not 0 <= refused.offset <= len(raw):
            raise Finding(f"refused at byte {refused.offset} of {len(raw)}") from None
        return
    if write_proof(proof) != raw:
        raise Finding("it is written otherwise than it was read")
    if not list(proof.stamp.attested()):
        raise Finding("it was read without an attestation")


def seeds() -> list[bytes]:
    """Proofs to begin with, whole and without their heads."""
    _, made = stamped()
    head = len(MAGIC) + 2
    whole = [PROOF, WAITING, write_proof(made)]
    return [b"\x00" + raw for raw in whole] + [b"\x01" + raw[head:] for raw in whole]


def main() -> None:
    if sys.argv[1:2] == ["--seeds"]:
        for number, seed in enumerate(seeds()):
            (Path(sys.argv[2]) / f"seed-{number:03}").write_bytes(seed)
        return
    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
