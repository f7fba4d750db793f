"""The stage: the demo's network, everybody's purses on it, and one block a day."""

from collections.abc import Sequence

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.cli.demo.purses import Purse
from khazana.cli.demo.signers import Signer
from khazana.cli.demo.timeline import Timeline
from khazana.devnet.network import Devnet
from khazana.units import SATS_PER_BTC, Sats, Txid

BTC = SATS_PER_BTC


class Stage:
    """What the players of the demo act on. Heights are days: block h is day h."""

    def __init__(self, devnet: Devnet, timeline: Timeline) -> None:
        self.devnet = devnet
        self.timeline = timeline
        self.purses: list[Purse] = []
        self.today = 1
        """The height of the block that is being filled."""
        self.miner: Purse | None = None
        """Who gets today's coinbase."""
        self._waiting: list[Transaction] = []

    def purse(self, name: str, signer: Signer) -> Purse:
        made = Purse(name, signer)
        self.purses.append(made)
        return made

    def pay(self, payer: Purse, *outputs: tuple[bytes, int]) -> Txid:
        """A payment in today's block: (script, satoshis) each."""
        made = payer.payment([TxOut(Sats(a), s) for s, a in outputs], height=self.today)
        return self.send(made)

    def spread(self, owner: Purse, scripts: Sequence[bytes]) -> Txid:
        """Everything a purse holds in equal parts to these scripts."""
        return self.send(owner.everything(scripts, height=self.today))

    def recover(self, owner: Purse, script: bytes, *, older_than: int) -> Txid:
        """The purse's largest coin of that age at least, moved by its recovery devices."""
        old = [c for c in owner.coins.values() if self.today - c.born >= older_than]
        largest = max(old, key=lambda coin: (coin.output.amount, coin.outpoint))
        return self.send(owner.recovery(largest, script))

    def close_day(self) -> None:
        """Mine today's block; tomorrow begins."""
        if self.miner is None:
            raise ValueError(f"nobody mines block {self.today}")
        time = int(self.timeline.instant(self.today).timestamp())
        self.devnet.mine(script=self.miner.script, time=time, transactions=self._waiting)
        block = self.devnet.block(self.devnet.tip().hash)
        if block is None or self.devnet.tip().height != self.today:
            raise RuntimeError(f"the devnet did not take block {self.today}")
        self._credit(block.transactions[0])
        self._waiting = []
        self.today += 1

    def send(self, transaction: Transaction) -> Txid:
        """Put a signed transaction into today's block."""
        spent = {source.outpoint for source in transaction.inputs}
        for purse in self.purses:
            for outpoint in spent & purse.coins.keys():
                del purse.coins[outpoint]
        self._waiting.append(transaction)
        self._credit(transaction)
        return transaction.txid

    def _credit(self, transaction: Transaction) -> None:
        for vout, output in enumerate(transaction.outputs):
            for purse in self.purses:
                if output.script in purse.places:
                    purse.receive(
                        transaction.outpoint(vout),
                        output,
                        height=self.today,
                        coinbase=transaction.is_coinbase,
                    )


def address(script: bytes) -> str:
    """The regtest address of a script that has one."""
    found = address_of(script, REGTEST)
    if found is None:
        raise ValueError(f"script {script.hex()} has no address")
    return found
