"""Signers of the demo: keys that spend test coins, each derived from one fixed, public seed.

THE KEYS IN THIS MODULE SPEND, on a network without value only. They are written to no file; an
office's files hold what it would hold in earnest: public descriptors, addresses and scripts.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import wallycore

from khazana.bitcoin.descriptor_checksum import descriptor_checksum
from khazana.bitcoin.hashes import sha256, tagged_hash
from khazana.bitcoin.script import multisig, p2pkh, p2tr, p2wpkh, p2wsh
from khazana.bitcoin.sighash import SIGHASH_ALL, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction, TxOut

SEED = sha256(b"khazana demo: keys of coins without value")
"""Public on purpose: whoever runs the demo gets the same chain."""

RECEIVE, CHANGE = 0, 1
"""The two branches of a wallet: addresses that are given out, and addresses for its own change."""

_HARDENED = 0x8000_0000
_TEST_COINS = 1  # SLIP-44
_TAG = "Khazana/demo-signer"
LONGEST_SIGNATURE = bytes(72)
BIP48_P2WSH = (48, _TEST_COINS, 0, 2)
"""An account's path for quorums, script type 2: P2WSH."""
_SCHNORR_SIGNATURE = bytes(64)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a script stands in its wallet."""

    branch: int
    index: int


class AccountKey:
    """An extended key of one device at an account's path."""

    def __init__(self, label: str, path: Sequence[int]) -> None:
        seed = tagged_hash(_TAG, SEED + label.encode())
        root = wallycore.bip32_key_from_seed(seed, wallycore.BIP32_VER_TEST_PRIVATE, 0)
        self._key = wallycore.bip32_key_from_parent_path(
            root, [step + _HARDENED for step in path], wallycore.BIP32_FLAG_KEY_PRIVATE
        )
        self._path = [step + _HARDENED for step in path]
        self.fingerprint = bytes(wallycore.bip32_key_get_fingerprint(root))
        """Of the master key: four bytes that a PSBT names this device's keys by."""
        origin = "/".join([self.fingerprint.hex(), *(f"{step}h" for step in path)])
        public = wallycore.bip32_key_to_base58(self._key, wallycore.BIP32_FLAG_KEY_PUBLIC)
        self.expression = f"[{origin}]{public}/<{RECEIVE};{CHANGE}>/*"
        """The key as it stands in a descriptor: origin, extended public key, both branches."""

    def pair(self, place: Place) -> tuple[bytes, bytes]:
        """Secret and compressed public key at a place."""
        child = wallycore.bip32_key_from_parent_path(
            self._key, [place.branch, place.index], wallycore.BIP32_FLAG_KEY_PRIVATE
        )
        secret = bytes(wallycore.bip32_key_get_priv_key(child))[-32:]
        return secret, bytes(wallycore.bip32_key_get_pub_key(child))

    def at(self, path: Sequence[int]) -> tuple[bytes, bytes] | None:
        """The pair at a path from the master key; None for a path outside this account."""
        inside = path[len(self._path) :]
        if len(inside) != 2 or list(path[: len(self._path)]) != self._path:
            return None
        return self.pair(Place(*inside))


class Signer(ABC):
    """A wallet's keys: the scripts they make, and witnesses for them."""

    @property
    @abstractmethod
    def descriptor(self) -> str:
        """The public output descriptor, with its checksum."""

    @property
    @abstractmethod
    def accounts(self) -> Sequence[AccountKey]:
        """The key of each cosigner, in the descriptor's order."""

    @property
    def required(self) -> int:
        """How many of them must sign, the first ones in this demo."""
        return 1

    @abstractmethod
    def script(self, place: Place) -> bytes:
        """The output script at a place."""

    @abstractmethod
    def placeholder(self, place: Place) -> tuple[bytes, ...]:
        """A witness of the largest size a signed one may have, to compute fees."""

    @abstractmethod
    def witness(
        self, place: Place, draft: Transaction, position: int, spent: Sequence[TxOut]
    ) -> tuple[bytes, ...]:
        """The witness that lets input `position` spend its coin. spent: every input's output."""


class SingleKey(Signer):
    """wpkh(KEY), for wallets that pay every day."""

    def __init__(self, label: str) -> None:
        self._account = AccountKey(label, (84, _TEST_COINS, 0))
        self._pair = cache(self._account.pair)

    @property
    def descriptor(self) -> str:
        return checked(f"wpkh({self._account.expression})")

    @property
    def accounts(self) -> Sequence[AccountKey]:
        return (self._account,)

    def script(self, place: Place) -> bytes:
        return p2wpkh(_hash160(self._pair(place)[1]))

    def placeholder(self, place: Place) -> tuple[bytes, ...]:
        return (LONGEST_SIGNATURE, self._pair(place)[1])

    def witness(
        self, place: Place, draft: Transaction, position: int, spent: Sequence[TxOut]
    ) -> tuple[bytes, ...]:
        secret, public = self._pair(place)
        code = p2pkh(_hash160(public))
        return (ecdsa_signature(secret, draft, position, code, spent[position]), public)


class TwoOfThree(Signer):
    """wsh(sortedmulti(2,KEY,KEY,KEY)), for cold storage.

    devices: their numbers; a rotated quorum has a number in place of the device it gave up.
    """

    def __init__(self, label: str, devices: Sequence[int] = (0, 1, 2)) -> None:
        self._accounts = [AccountKey(f"{label}/{n}", BIP48_P2WSH) for n in devices]
        self._pairs = cache(self._sorted_pairs)

    @property
    def descriptor(self) -> str:
        keys = ",".join(account.expression for account in self._accounts)
        return checked(f"wsh(sortedmulti(2,{keys}))")

    @property
    def accounts(self) -> Sequence[AccountKey]:
        return tuple(self._accounts)

    @property
    def required(self) -> int:
        return 2

    def script(self, place: Place) -> bytes:
        return p2wsh(sha256(self._code(place)))

    def placeholder(self, place: Place) -> tuple[bytes, ...]:
        return (b"", LONGEST_SIGNATURE, LONGEST_SIGNATURE, self._code(place))

    def witness(
        self, place: Place, draft: Transaction, position: int, spent: Sequence[TxOut]
    ) -> tuple[bytes, ...]:
        code = self._code(place)
        signatures = [
            ecdsa_signature(secret, draft, position, code, spent[position])
            for secret, _ in self._pairs(place)[:2]
        ]
        # The empty item feeds OP_CHECKMULTISIG's extra pop (BIP-147).
        return (b"", *signatures, code)

    def _code(self, place: Place) -> bytes:
        return multisig([public for _, public in self._pairs(place)], required=2)

    def _sorted_pairs(self, place: Place) -> list[tuple[bytes, bytes]]:
        """BIP-67: in the order of the public keys."""
        return sorted((a.pair(place) for a in self._accounts), key=lambda pair: pair[1])


class Taproot(Signer):
    """tr(KEY), spent by its key path (BIP-86)."""

    def __init__(self, label: str) -> None:
        self._account = AccountKey(label, (86, _TEST_COINS, 0))
        self._pair = cache(self._account.pair)

    @property
    def descriptor(self) -> str:
        return checked(f"tr({self._account.expression})")

    @property
    def accounts(self) -> Sequence[AccountKey]:
        return (self._account,)

    def script(self, place: Place) -> bytes:
        tweaked = wallycore.ec_public_key_bip341_tweak(self._pair(place)[1], None, 0)
        return p2tr(bytes(tweaked)[1:])

    def placeholder(self, place: Place) -> tuple[bytes, ...]:
        return (_SCHNORR_SIGNATURE,)

    def witness(
        self, place: Place, draft: Transaction, position: int, spent: Sequence[TxOut]
    ) -> tuple[bytes, ...]:
        secret = wallycore.ec_private_key_bip341_tweak(self._pair(place)[0], None, 0)
        digest = taproot_sighash(draft, position, spent=spent)
        return (bytes(wallycore.ec_sig_from_bytes(secret, digest, wallycore.EC_FLAG_SCHNORR)),)


def ecdsa_signature(
    secret: bytes, draft: Transaction, position: int, code: bytes, spent: TxOut
) -> bytes:
    """A signature over input `position`, as witness version 0 asks for it, low in R and S."""
    digest = segwit_v0_sighash(
        draft, position, script_code=code, amount=spent.amount, hash_type=SIGHASH_ALL
    )
    flags = wallycore.EC_FLAG_ECDSA | wallycore.EC_FLAG_GRIND_R
    compact = wallycore.ec_sig_from_bytes(secret, digest, flags)
    return bytes(wallycore.ec_sig_to_der(compact)) + bytes([SIGHASH_ALL])


def _hash160(data: bytes) -> bytes:
    return bytes(wallycore.hash160(data))


def checked(body: str) -> str:
    """A descriptor with its checksum."""
    return f"{body}#{descriptor_checksum(body)}"
