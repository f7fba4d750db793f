"""Statement keys of the demo's officers: from a fixed seed, marked as test keys, and who they are.

These sign documents and never a coin. In earnest each officer makes a key of their own, offline,
with `khazana office keygen`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.demo.bodies import BODIES
from khazana.cli.files import write_whole
from khazana.cli.keys import OWNER_ONLY
from khazana.ledger.office_file import load_office
from khazana.reserve.wallet_report.signing import role_of
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.identity import Office, new_office
from khazana.statement.keys import private_key_to_pem, public_bytes
from khazana.statement.office_file import write_office
from khazana.statement.office_plan import next_version

ROLES = {
    "root": (2, ("root-1", "root-2", "root-3")),
    "statement": (2, ("statement-1", "statement-2", "statement-3")),
    "feed": (1, ("feed-1",)),
    "witness": (1, ("witness-1",)),
    "register": (1, ("register-1",)),
    "drafter": (1, ("drafter-1",)),
    "approver": (2, ("approver-1", "approver-2", "approver-3")),
    "minister": (2, ("minister-1", "minister-2")),
}
"""role -> how many of which officers act in it, in every office."""


def roles_of(office: str) -> dict[str, tuple[int, tuple[str, ...]]]:
    """The roles of an office: those above, and one for each body to sign its own returns in."""
    bodies = [role_of(entity.id) for entity in BODIES[office]]
    return {**ROLES, **{role: (1, (f"{role}-1",)) for role in bodies}}


VALIDITY = timedelta(days=5 * 365)

_WARNING = f"""\
TEST KEYS: {TEST_NOTICE}.

Every copy of the demo makes these same keys from a seed that is public, so a signature by them
proves nothing. Never use them for anything else. `khazana office keygen` makes keys of your own.
"""


@dataclass(frozen=True)
class Officers:
    """The statement keys of an office, by officer."""

    office: str
    private: dict[str, Ed25519PrivateKey]

    @property
    def public(self) -> dict[str, str]:
        """Officer -> public key as hex."""
        return {name: public_bytes(key).hex() for name, key in self.private.items()}

    def signers(self, role: str) -> list[Ed25519PrivateKey]:
        """As many keys of a role as its threshold asks for."""
        threshold, names = roles_of(self.office)[role]
        return [self.private[name] for name in names[:threshold]]

    def write(self, folder: Path) -> None:
        """Write the key files, readable by their owner only."""
        write_whole(folder / "README.txt", _WARNING.encode())
        for name, key in self.private.items():
            write_whole(folder / f"TEST-{name}.pem", private_key_to_pem(key), mode=OWNER_ONLY)


def officers_of(office: str) -> Officers:
    """The officers of an office; the same in every run."""
    names = [name for _, group in roles_of(office).values() for name in group]
    return Officers(
        office,
        {
            name: Ed25519PrivateKey.from_private_bytes(
                hashlib.sha256(f"khazana demo statement key {office} {name}".encode()).digest()
            )
            for name in names
        },
    )


def found_office(officers: Officers, folder: Path, office_toml: Path, *, at: datetime) -> Office:
    """The first version of an office's identity, signed by its root keys; writes office.json."""
    version = next_version(load_office(office_toml), None, valid_from=at, valid_until=at + VALIDITY)
    office = new_office(version, officers.signers("root"))
    write_whole(folder / "office.json", write_office(office))
    officers.write(folder / "keys")
    return office
