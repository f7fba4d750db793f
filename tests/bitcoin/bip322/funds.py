"""Proofs of funds for the tests: one challenge and coins of any kinds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from khazana.bitcoin.bip322.coins import KnownCoins
from khazana.bitcoin.bip322.encoding import write_proof_of_funds
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.bip322.verdict import Verdict
from khazana.bitcoin.bip322.verify import Consensus, verify
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import BlockHash, Height, Sats, Txid
from tests.bitcoin.bip322.psbt_writer import Pairs, input_pairs, psbt
from tests.bitcoin.bip322.signer import RIGHT, Manner, Spender

BLOCK = BlockRef(Height(900_000), BlockHash("11" * 32))


@dataclass(frozen=True)
class Funds:
    """A challenge, the coins claimed with it, and who signs for each."""

    message: bytes
    spender: Spender
    holders: tuple[Spender, ...]
    coins: tuple[tuple[OutPoint, TxOut], ...]

    @property
    def known(self) -> KnownCoins:
        return KnownCoins(BLOCK, dict(self.coins))

    def signed(self, *, manners: Sequence[Manner] | None = None) -> Transaction:
        posed = to_spend(self.message, self.spender.script)
        signers = (self.spender, *self.holders)
        sources = [to_sign(posed).inputs[0].outpoint, *(outpoint for outpoint, _ in self.coins)]
        spent = [posed.outputs[0], *(out for _, out in self.coins)]
        bare = Transaction(
            max(s.version for s in signers),
            tuple(TxIn(o, b"", s.sequence) for o, s in zip(sources, signers, strict=True)),
            to_sign(posed).outputs,
            max(s.lock_time for s in signers),
        )
        ways = manners or [RIGHT] * len(signers)
        inputs = tuple(
            s.signed(bare, place, spent, way)
            for place, (s, way) in enumerate(zip(signers, ways, strict=True))
        )
        return replace(bare, inputs=inputs)

    def pairs(self, signed: Transaction) -> list[Pairs]:
        posed = to_spend(self.message, self.spender.script)
        spent = [posed.outputs[0], *(out for _, out in self.coins)]
        return [input_pairs(i, out) for i, out in zip(signed.inputs, spent, strict=True)]

    def signature(self, change: Callable[[list[Pairs]], None] = lambda pairs: None) -> str:
        """change: what is done to the PSBT's input maps before they are written."""
        signed = self.signed()
        pairs = self.pairs(signed)
        change(pairs)
        return write_proof_of_funds(psbt(signed, pairs, message=self.message))

    def judged(
        self,
        signature: str,
        *,
        known: KnownCoins | None = None,
        consensus: Consensus | None = None,
        max_inputs: int = 1_000,
    ) -> Verdict:
        return verify(
            signature,
            script=self.spender.script,
            message=self.message,
            coins=known or self.known,
            consensus=consensus,
            max_inputs=max_inputs,
        )


def funds(name: object, spender: Spender, holders: Sequence[Spender]) -> Funds:
    coins = tuple(
        (
            OutPoint(Txid(sha256(repr((name, place)).encode()).hex()), place),
            TxOut(Sats(100_000 + place), holder.script),
        )
        for place, holder in enumerate(holders)
    )
    return Funds(repr(name).encode(), spender, tuple(holders), coins)
