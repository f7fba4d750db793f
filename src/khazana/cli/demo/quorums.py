"""The demo's large quorum: three of five devices now, two of three others after a wait."""

from collections.abc import Sequence
from functools import cache

from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.script import OP_CHECKMULTISIG, multisig, p2wsh
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.cli.demo.signers import (
    BIP48_P2WSH,
    LONGEST_SIGNATURE,
    AccountKey,
    Place,
    Signer,
    checked,
    ecdsa_signature,
)

RECOVERY_AFTER = 28
"""Blocks that a coin must be old before the recovery devices can move it: days, on this network."""

_REQUIRED, _DEVICES = 3, 5
_RECOVERY_REQUIRED, _RECOVERY_DEVICES = 2, 3
_CHECKMULTISIGVERIFY = OP_CHECKMULTISIG + 1

_IFDUP, _NOTIF, _ENDIF, _CHECKSEQUENCEVERIFY = 0x73, 0x64, 0x68, 0xB2


class ThreeOfFiveWithRecovery(Signer):
    """wsh(or_d(multi(3,...),and_v(v:multi(2,...),older(N)))), for the largest holdings.

    Miniscript's own keys stay in the order they are written in, unlike sortedmulti's.
    """

    def __init__(self, label: str) -> None:
        self._accounts = [AccountKey(f"{label}/{n}", BIP48_P2WSH) for n in range(_DEVICES)]
        self._recovery = [
            AccountKey(f"{label}/recovery-{n}", BIP48_P2WSH) for n in range(_RECOVERY_DEVICES)
        ]
        self._pairs = cache(self._pairs_at)

    @property
    def accounts(self) -> Sequence[AccountKey]:
        return (*self._accounts, *self._recovery)

    @property
    def required(self) -> int:
        return _REQUIRED

    @property
    def descriptor(self) -> str:
        now = ",".join(account.expression for account in self._accounts)
        later = ",".join(account.expression for account in self._recovery)
        return checked(
            f"wsh(or_d(multi({_REQUIRED},{now}),"
            f"and_v(v:multi({_RECOVERY_REQUIRED},{later}),older({RECOVERY_AFTER}))))"
        )

    def script(self, place: Place) -> bytes:
        return p2wsh(sha256(self._code(place)))

    def placeholder(self, place: Place) -> tuple[bytes, ...]:
        return (b"", *[LONGEST_SIGNATURE] * _REQUIRED, self._code(place))

    def witness(
        self, place: Place, draft: Transaction, position: int, spent: Sequence[TxOut]
    ) -> tuple[bytes, ...]:
        code = self._code(place)
        secrets = [secret for secret, _ in self._pairs(place)[:_REQUIRED]]
        signed = [ecdsa_signature(s, draft, position, code, spent[position]) for s in secrets]
        # The empty item feeds OP_CHECKMULTISIG's extra pop (BIP-147).
        return (b"", *signed, code)

    def recovery_witness(
        self, place: Place, draft: Transaction, position: int, spent: Sequence[TxOut]
    ) -> tuple[bytes, ...]:
        """By the recovery devices; input `position` has RECOVERY_AFTER as its sequence (BIP-68)."""
        code = self._code(place)
        pairs = self._pairs(place)[_DEVICES:][:_RECOVERY_REQUIRED]
        signed = [ecdsa_signature(s, draft, position, code, spent[position]) for s, _ in pairs]
        # The first quorum is asked first: empty items in place of its signatures decline.
        return (b"", *signed, *[b""] * (1 + _REQUIRED), code)

    def _code(self, place: Place) -> bytes:
        public = [key for _, key in self._pairs(place)]
        later = multisig(public[_DEVICES:], required=_RECOVERY_REQUIRED)
        return b"".join(
            (
                multisig(public[:_DEVICES], required=_REQUIRED),
                bytes([_IFDUP, _NOTIF]),
                later[:-1] + bytes([_CHECKMULTISIGVERIFY]),
                bytes([1, RECOVERY_AFTER, _CHECKSEQUENCEVERIFY, _ENDIF]),
            )
        )

    def _pairs_at(self, place: Place) -> list[tuple[bytes, bytes]]:
        return [account.pair(place) for account in self.accounts]
