"""Fuzz the parsers of a feed: notes, tiles, entries, records, proofs, identities."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["khazana.statement", "khazana.accord", "khazana.ledger.canonical"],
    enable_loader_override=False,
):
    from fuzz.accord_judge import judge
    from fuzz.accord_seeds import seeds


def main() -> None:
    if sys.argv[1:2] == ["--seeds"]:
        for number, seed in enumerate(seeds()):
            (Path(sys.argv[2]) / f"seed-{number:03}").write_bytes(seed)
        return
    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
