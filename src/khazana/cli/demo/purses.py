"""Purses: a signer with the coins it holds on the demo's chain, and payments from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from khazana.bitcoin.network import COINBASE_MATURITY
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.cli.demo.quorums import RECOVERY_AFTER, ThreeOfFiveWithRecovery
from khazana.cli.demo.signers import CHANGE, RECEIVE, Place, Signer
from khazana.devnet.admission import dust_limit, weight_of
from khazana.units import Sats

SAT_PER_VBYTE = 2
_SEQUENCE = 0xFFFF_FFFD


@dataclass(frozen=True, slots=True)
class PurseCoin:
    """A coin that a purse may spend once the chain has reached `mature_at`. born: its block."""

    outpoint: OutPoint
    output: TxOut
    place: Place
    mature_at: int
    born: int


class Purse:
    """Somebody's wallet in the demo. New coins are told to it by the stage it stands on."""

    def __init__(self, name: str, signer: Signer) -> None:
        self.name = name
        self.signer = signer
        self.places: dict[bytes, Place] = {}
        """Every script that was given out, in the order in which it was."""
        self.coins: dict[OutPoint, PurseCoin] = {}

    def used(self, branch: int) -> int:
        """How many scripts of a branch were given out."""
        return sum(place.branch == branch for place in self.places.values())

    def new_script(self, branch: int = RECEIVE) -> bytes:
        """The next unused script of a branch."""
        place = Place(branch, self.used(branch))
        script = self.signer.script(place)
        self.places[script] = place
        return script

    @property
    def script(self) -> bytes:
        """The receiving script given out last, the first one if there is none yet."""
        given = [s for s, place in self.places.items() if place.branch == RECEIVE]
        return given[-1] if given else self.new_script()

    @property
    def change_script(self) -> bytes:
        """Where change goes: always the first change script, as small operational wallets do."""
        given = [s for s, place in self.places.items() if place.branch == CHANGE]
        return given[0] if given else self.new_script(CHANGE)

    def receive(self, outpoint: OutPoint, output: TxOut, *, height: int, coinbase: bool) -> None:
        mature_at = height + COINBASE_MATURITY if coinbase else height
        place = self.places[output.script]
        self.coins[outpoint] = PurseCoin(outpoint, output, place, mature_at, height)

    def balance(self) -> Sats:
        return Sats(sum(coin.output.amount for coin in self.coins.values()))

    def payment(self, outputs: Sequence[TxOut], *, height: int) -> Transaction:
        """A signed payment for the block at `height`, from the largest coins, with change."""
        due = sum(output.amount for output in outputs)
        chosen: list[PurseCoin] = []
        for coin in self._spendable(height):
            chosen.append(coin)
            held = sum(c.output.amount for c in chosen)
            if held < due:
                continue
            draft = self._draft(chosen, [*outputs, TxOut(Sats(0), self.change_script)])
            change = held - due - _fee(draft)
            if change >= dust_limit(self.change_script):
                return self._signed(chosen, [*outputs, TxOut(Sats(change), self.change_script)])
        raise ValueError(f"{self.name} cannot pay {due} sat at block {height}")

    def everything(self, scripts: Sequence[bytes], *, height: int) -> Transaction:
        """All spendable coins in equal parts to `scripts`; the first takes the odd satoshis."""
        chosen = list(self._spendable(height))
        held = sum(coin.output.amount for coin in chosen)
        fee = _fee(self._draft(chosen, [TxOut(Sats(0), script) for script in scripts]))
        part, odd = divmod(held - fee, len(scripts))
        amounts = [part + odd, *([part] * (len(scripts) - 1))]
        outputs = [TxOut(Sats(a), s) for a, s in zip(amounts, scripts, strict=True)]
        return self._signed(chosen, outputs)

    def recovery(self, coin: PurseCoin, script: bytes) -> Transaction:
        """One coin, old enough, moved to `script` by the quorum's recovery devices."""
        signer = self.signer
        if not isinstance(signer, ThreeOfFiveWithRecovery):
            raise ValueError(f"{self.name} has no recovery devices")
        empty = (TxIn(coin.outpoint, b"", RECOVERY_AFTER, signer.placeholder(coin.place)),)
        fee = _fee(Transaction(2, empty, (TxOut(Sats(0), script),), 0))
        outputs = (TxOut(Sats(coin.output.amount - fee), script),)
        draft = Transaction(2, empty, outputs, 0)
        witness = signer.recovery_witness(coin.place, draft, 0, [coin.output])
        return Transaction(2, (replace(empty[0], witness=witness),), outputs, 0)

    def _spendable(self, height: int) -> list[PurseCoin]:
        coins = [coin for coin in self.coins.values() if coin.mature_at <= height]
        return sorted(coins, key=lambda coin: (-coin.output.amount, coin.outpoint))

    def _draft(self, chosen: Sequence[PurseCoin], outputs: Sequence[TxOut]) -> Transaction:
        inputs = tuple(
            TxIn(coin.outpoint, b"", _SEQUENCE, self.signer.placeholder(coin.place))
            for coin in chosen
        )
        return Transaction(2, inputs, tuple(outputs), 0)

    def _signed(self, chosen: Sequence[PurseCoin], outputs: Sequence[TxOut]) -> Transaction:
        draft = self._draft(chosen, outputs)
        spent = [coin.output for coin in chosen]
        inputs = tuple(
            replace(
                draft.inputs[position],
                witness=self.signer.witness(coin.place, draft, position, spent),
            )
            for position, coin in enumerate(chosen)
        )
        return Transaction(draft.version, inputs, draft.outputs, draft.lock_time)


def _fee(draft: Transaction) -> int:
    return -(-weight_of(draft) // 4) * SAT_PER_VBYTE
