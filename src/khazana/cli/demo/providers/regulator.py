"""Regulators of the demo, one beside each office: fictional roles, no real regulator is meant."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.bitcoin.network import REGTEST
from khazana.cli.demo import directory as lies
from khazana.cli.demo.names import names
from khazana.cli.demo.officers import VALIDITY
from khazana.ledger.accounts import Names
from khazana.statement.envelope import NetworkName
from khazana.statement.identity import ROOT_ROLE, STATEMENT_ROLE, OfficeVersion, Role, new_office
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.office_file import write_office

NAMES: dict[str, Names] = {
    lies.PAKISTAN: names(
        "Demo regulator in Pakistan (fictional)",
        "پاکستان میں نمونہ نگران ادارہ (فرضی)",
        "جهة رقابية تجريبية في باكستان (وهمية)",
        "Regulador de demostración en Pakistán (ficticio)",
    ),
    lies.EL_SALVADOR: names(
        "Demo regulator in El Salvador (fictional)",
        "ایل سلواڈور میں نمونہ نگران ادارہ (فرضی)",
        "جهة رقابية تجريبية في السلفادور (وهمية)",
        "Regulador de demostración en El Salvador (ficticio)",
    ),
    lies.DRILL: names(
        "Demo regulator of the drill (fictional)",
        "مشق کا نمونہ نگران ادارہ (فرضی)",
        "جهة رقابية تجريبية للتدريب (وهمية)",
        "Regulador de demostración del simulacro (ficticio)",
    ),
}


@dataclass(frozen=True)
class Regulator:
    """Who builds providers' trees again. state: the office beside which it stands."""

    state: str

    @property
    def key(self) -> Ed25519PrivateKey:
        """The same in every run."""
        seed = hashlib.sha256(f"khazana demo regulator key {self.state}".encode()).digest()
        return Ed25519PrivateKey.from_private_bytes(seed)

    def identity(self, *, at: datetime) -> bytes:
        """Its office.json: one key founds and signs."""
        public = public_bytes(self.key)
        role = Role(frozenset([key_id(public)]), 1)
        version = OfficeVersion(
            id=f"regulator-{self.state}",
            names=NAMES[self.state],
            network=NetworkName(REGTEST.name, REGTEST.genesis),
            test=True,
            version=1,
            previous=None,
            valid_from=at,
            valid_until=at + VALIDITY,
            keys={key_id(public): public},
            roles={ROOT_ROLE: role, STATEMENT_ROLE: role},
        )
        return write_office(new_office(version, [self.key]))
