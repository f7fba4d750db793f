"""The register of keys: who holds each one, on which device, where, and when it last signed."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from khazana.bitcoin.descriptor import KeyExpression
from khazana.bitcoin.network import Network
from khazana.ledger.office import Place


class SeedOrigin(Enum):
    """Where the randomness of a seed came from."""

    DEVICE = "device"
    """The device's own generator, on the firmware it then had."""
    DICE = "dice"
    """At least 50 dice rolls by hand, typed into the device."""
    ELSEWHERE = "elsewhere"
    """Made on something else and brought in."""


@dataclass(frozen=True, kw_only=True)
class RegisteredKey:
    """One device's key as the register describes it. It names public keys only.

    accounts: the extended public keys that wallets may use, each with its origin.
    agency: the body that answers for the holder. firmware_at_creation: when the seed was made.
    retired: from this day on no wallet in use may contain it.
    """

    id: str
    holder: str
    agency: str
    vendor: str
    model: str
    firmware_at_creation: str
    firmware: str
    seed: SeedOrigin
    created: date
    last_proven: date | None
    site: str
    fingerprint: str
    accounts: tuple[KeyExpression, ...]
    retired: date | None
    place: Place


@dataclass(frozen=True, kw_only=True)
class KeyRegister:
    """Every key of an office's wallets, complete and without repetition."""

    file: str
    id: str
    network: Network
    keys: tuple[RegisteredKey, ...]

    def holding(self, key: str) -> RegisteredKey | None:
        """The registered key with this extended public key, exactly."""
        return next((k for k in self.keys if any(a.key == key for a in k.accounts)), None)

    def with_fingerprint(self, fingerprint: str | None) -> RegisteredKey | None:
        return next((k for k in self.keys if k.fingerprint == fingerprint), None)

    @property
    def names(self) -> dict[str, str]:
        """Each extended public key's holder, as `words.describe` wants them."""
        return {account.key: key.holder for key in self.keys for account in key.accounts}
