"""Proofs of control for an auditor's eyes alone: the public sees their hash, age keeps the rest."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from khazana.cli.files import write_whole
from khazana.cli.keys import OWNER_ONLY
from khazana.custody.control_evidence import (
    CONTROL_TYPE,
    ReaderFile,
    opened_proofs,
    proofs_withheld,
    sealed_commitment,
)
from khazana.ledger.canonical import canonical_bytes
from khazana.reserve.reading import ReserveStatement
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.envelope import write_statement

AUDITOR = "Auditor F (invented)"
SEALED = "sealed"
NOT_INSTALLED = (
    "No proofs are sealed for an auditor here: that needs pyrage, of the extra 'office' "
    "(pip install 'khazana[office]')."
)


@dataclass(frozen=True)
class SealedFor:
    """A statement whose proofs are withheld, the sealed file, and what the auditor opened."""

    statement: Path
    sealed: Path
    identity: Path
    opened: Path


def sealed_for_auditor(statement: ReserveStatement, folder: Path) -> SealedFor | None:
    """The same statement with its proofs withheld and sealed; None where age is not installed.

    age draws its own randomness, so these files differ from run to run, and no others do.
    """
    if find_spec("pyrage") is None:
        return None
    # Only here: the demo does without the office's extra.
    from pyrage import x25519  # type: ignore[import-untyped]  # it ships no type information

    from khazana.custody.sealing import seal, unseal

    key = x25519.Identity.generate()
    recipient = str(key.to_public())
    (item,) = [each for each in statement.envelope.evidence if each.type == CONTROL_TYPE]
    proofs = canonical_bytes(dict(item.fields)) + b"\n"
    sealed = seal(proofs, [recipient])
    given = sealed_commitment(
        proofs,
        proofs_withheld(statement.envelope),
        sealed=sealed,
        readers=[ReaderFile(name=AUDITOR, recipient=recipient)],
        file=SEALED,
    )
    made = SealedFor(
        folder / "statement.json",
        folder / "proofs.age",
        folder / "TEST-auditor.txt",
        folder / "opened.json",
    )
    identity = f"# {AUDITOR}: {TEST_NOTICE}\n{key}\n"
    write_whole(made.statement, write_statement(given))
    write_whole(made.sealed, sealed)
    write_whole(made.identity, identity.encode(), mode=OWNER_ONLY)
    opened = unseal(sealed, identity)
    opened_proofs(opened, given, sealed=sealed, file=SEALED)
    write_whole(made.opened, opened, mode=OWNER_ONLY)
    return made
