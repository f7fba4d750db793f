"""Keys and hand-made transactions: the faucet's own code is not used to judge it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import wallycore

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import Coin
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import p2pkh, p2wpkh
from khazana.bitcoin.sighash import segwit_v0_sighash
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import Sats

T0 = 1_700_000_000
"""The time of the first block in the tests."""

DAY = 86_400


@dataclass(frozen=True)
class Key:
    """A P2WPKH key made from a name."""

    name: str

    @property
    def secret(self) -> bytes:
        return sha256(self.name.encode())

    @property
    def public(self) -> bytes:
        return bytes(wallycore.ec_public_key_from_private_key(self.secret))

    @property
    def script(self) -> bytes:
        return p2wpkh(bytes(wallycore.hash160(self.public)))

    @property
    def address(self) -> str:
        found = address_of(self.script, REGTEST)
        if found is None:
            raise ValueError("P2WPKH has an address")
        return found

    def spend(
        self,
        coins: Sequence[tuple[OutPoint, Sats]],
        outputs: Sequence[tuple[bytes, int]],
        *,
        sequence: int = 0xFFFF_FFFD,
        lock_time: int = 0,
        version: int = 2,
        spoil: bool = False,
    ) -> Transaction:
        """A signed transaction; `spoil` turns one bit of each signature."""
        draft = Transaction(
            version,
            tuple(TxIn(outpoint, b"", sequence) for outpoint, _ in coins),
            tuple(TxOut(Sats(amount), script) for script, amount in outputs),
            lock_time,
        )
        code = p2pkh(bytes(wallycore.hash160(self.public)))
        signed = []
        for position, (_, amount) in enumerate(coins):
            digest = segwit_v0_sighash(
                draft, position, script_code=code, amount=amount, hash_type=1
            )
            if spoil:
                digest = bytes([digest[0] ^ 1]) + digest[1:]
            compact = wallycore.ec_sig_from_bytes(self.secret, digest, wallycore.EC_FLAG_ECDSA)
            signature = bytes(wallycore.ec_sig_to_der(compact)) + b"\x01"
            signed.append(replace(draft.inputs[position], witness=(signature, self.public)))
        return Transaction(version, tuple(signed), draft.outputs, lock_time)


def of(coin: Coin) -> tuple[OutPoint, Sats]:
    return coin.outpoint, coin.amount


def out(transaction: Transaction, vout: int = 0) -> tuple[OutPoint, Sats]:
    return transaction.outpoint(vout), transaction.outputs[vout].amount
