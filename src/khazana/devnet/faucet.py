"""The faucet: the one place in Khazana with a key that can spend, on a network without value.

THE KEY IN THIS MODULE SPENDS. Everywhere else the project holds no spending key and accepts none.
This one is derived from a seed in the devnet's directory, controls only regtest coins that the
devnet mined for itself, and by default is the same on every devnet, so that demos repeat exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import wallycore

from khazana.bitcoin.chain import Coin
from khazana.bitcoin.hashes import sha256, tagged_hash
from khazana.bitcoin.script import p2pkh, p2wpkh
from khazana.bitcoin.sighash import SIGHASH_ALL, segwit_v0_sighash
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.devnet.admission import dust_limit, weight_of
from khazana.devnet.index import ChainIndex
from khazana.devnet.mempool import MAX_ANCESTORS, Mempool
from khazana.errors import KhazanaError
from khazana.units import Sats

DEFAULT_SEED = sha256(b"khazana devnet faucet: coins without value")
SEED_SIZE = 32

# One below "replaceable" would be final; this signals BIP-125 as wallets do.
_SEQUENCE = 0xFFFF_FFFD
_LONGEST_SIGNATURE = 72  # DER with its hash type, low r and low s: 71 or less in practice


@dataclass(eq=False, kw_only=True)
class FaucetIsDry(KhazanaError):
    """The faucet holds too little that it may spend now."""

    wanted: Sats
    spendable: Sats
    immature: Sats
    code = "faucet_is_dry"
    words = (
        "The faucet can spend {spendable} sat now and {wanted} sat were asked for; {immature} sat "
        "more are in coinbases younger than 100 blocks. Mine blocks to the faucet first."
    )


class Faucet:
    """A P2WPKH key with what it needs to pay anybody on the devnet."""

    def __init__(self, seed: bytes) -> None:
        """seed: 32 bytes; the same seed always gives the same key."""
        if len(seed) != SEED_SIZE:
            raise ValueError(f"a faucet seed has {SEED_SIZE} bytes, not {len(seed)}")
        self._key: bytes = tagged_hash("Khazana/devnet-faucet", seed)
        self._public: bytes = bytes(wallycore.ec_public_key_from_private_key(self._key))
        self._key_hash = bytes(wallycore.hash160(self._public))
        self.script = p2wpkh(self._key_hash)
        """Mine to this output script to fill the faucet."""

    def payment(
        self,
        index: ChainIndex,
        mempool: Mempool,
        outputs: Sequence[TxOut],
        *,
        sat_per_vbyte: int,
    ) -> Transaction:
        """A signed transaction that pays `outputs` and returns the rest to the faucet.

        Coins in blocks are used before unconfirmed change, large ones before small ones.
        """
        wanted = sum(output.amount for output in outputs)
        taken: list[tuple[OutPoint, Sats]] = []
        gathered = 0
        for outpoint, amount in self._spendable(index, mempool):
            taken.append((outpoint, amount))
            gathered += amount
            if gathered < wanted:
                continue
            unsigned = self._draft(taken, outputs, change=Sats(0))
            fee = _fee(unsigned, sat_per_vbyte)
            if gathered < wanted + fee:
                continue
            with_change = self._draft(taken, outputs, change=Sats(1))
            change = Sats(gathered - wanted - _fee(with_change, sat_per_vbyte))
            if change >= dust_limit(self.script):
                unsigned = self._draft(taken, outputs, change=change)
            return self._signed(unsigned, [amount for _, amount in taken])
        raise FaucetIsDry(
            wanted=Sats(wanted), spendable=Sats(gathered), immature=self._immature(index)
        )

    def _spendable(self, index: ChainIndex, mempool: Mempool) -> Iterator[tuple[OutPoint, Sats]]:
        confirmed = [
            coin
            for coin in index.coins(self.script)
            if coin.is_mature(index.tip.height) and mempool.spender(coin.outpoint) is None
        ]
        confirmed.sort(key=_largest_first)
        for coin in confirmed:
            yield coin.outpoint, coin.amount
        for waiting in mempool.touching(self.script):
            # Leave room: a chain of unconfirmed change that is too long would be refused.
            if len(mempool.ancestors([waiting.txid])) + 1 >= MAX_ANCESTORS:
                continue
            for vout, output in enumerate(waiting.transaction.outputs):
                outpoint = waiting.transaction.outpoint(vout)
                if output.script == self.script and mempool.spender(outpoint) is None:
                    yield outpoint, output.amount

    def _immature(self, index: ChainIndex) -> Sats:
        height = index.tip.height
        return Sats(sum(c.amount for c in index.coins(self.script) if not c.is_mature(height)))

    def _draft(
        self, taken: Sequence[tuple[OutPoint, Sats]], outputs: Sequence[TxOut], *, change: Sats
    ) -> Transaction:
        """Unsigned, with witnesses of the right size so that the fee can be computed."""
        stack = (bytes(_LONGEST_SIGNATURE), self._public)
        inputs = tuple(TxIn(outpoint, b"", _SEQUENCE, stack) for outpoint, _ in taken)
        back = (TxOut(change, self.script),) if change else ()
        return Transaction(2, inputs, (*outputs, *back), 0)

    def _signed(self, draft: Transaction, amounts: Sequence[Sats]) -> Transaction:
        inputs = []
        for position, amount in enumerate(amounts):
            digest = segwit_v0_sighash(
                draft,
                position,
                script_code=p2pkh(self._key_hash),
                amount=amount,
                hash_type=SIGHASH_ALL,
            )
            compact = wallycore.ec_sig_from_bytes(
                self._key, digest, wallycore.EC_FLAG_ECDSA | wallycore.EC_FLAG_GRIND_R
            )
            signature = bytes(wallycore.ec_sig_to_der(compact)) + bytes([SIGHASH_ALL])
            inputs.append(replace(draft.inputs[position], witness=(signature, self._public)))
        return Transaction(draft.version, tuple(inputs), draft.outputs, draft.lock_time)


def _largest_first(coin: Coin) -> tuple[int, OutPoint]:
    return -coin.amount, coin.outpoint


def _fee(draft: Transaction, sat_per_vbyte: int) -> Sats:
    return Sats(-(-weight_of(draft) // 4) * sat_per_vbyte)
