"""Chains on which the contract is tested: hard cases made up, and a real node's whole chain."""

import json
from dataclasses import dataclass

from khazana.bitcoin.block import Block
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.script import p2wpkh
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import Sats, Txid
from tests.shared import shared_file

OURS, ALSO_OURS, MINERS, FOREIGN, UNUSED = (p2wpkh(bytes([n]) * 20) for n in range(1, 6))


def pay(
    spent: list[tuple[Transaction, int]] | list[OutPoint], *outputs: tuple[bytes, int]
) -> Transaction:
    """A transaction; from nowhere when it is given outpoints that no block holds."""
    outpoints = [s if isinstance(s, OutPoint) else s[0].outpoint(s[1]) for s in spent]
    return Transaction(
        version=2,
        inputs=tuple(TxIn(o, b"", 0xFFFF_FFFE, (b"\x01",)) for o in outpoints),
        outputs=tuple(TxOut(Sats(amount), script) for script, amount in outputs),
        lock_time=0,
    )


@dataclass(frozen=True)
class Story:
    """receipt: pays OURS twice. chained: three spends of one another, all in block chained_in."""

    chain: SimulatedChain
    receipt: Transaction
    chained: tuple[Transaction, ...]
    chained_in: BlockRef


def story() -> Story:
    """Receipts, spends of spends in one block, coinbases, and a script that fills two pages."""
    chain = SimulatedChain()
    mined = chain.add_block(coinbase=[TxOut(Sats(5_000_000_000), MINERS)])
    source = chain.blocks[mined.height].transactions[0]
    receipt = pay([(source, 0)], (OURS, 700), (FOREIGN, 300), (OURS, 50))
    chain.add_block([receipt])
    first = pay([(receipt, 0)], (ALSO_OURS, 400), (FOREIGN, 200))
    second = pay([(first, 0), (receipt, 2)], (OURS, 440))
    third = pay([(second, 0)], (FOREIGN, 430))
    chained_in = chain.add_block([first, second, third])
    chain.add_block(coinbase=[TxOut(Sats(1_000), OURS), TxOut(Sats(2_000), FOREIGN)])
    last = pay([(first, 1)], (FOREIGN, 190), (OURS, 5))
    chain.add_block([last])
    for n in range(10):
        # Three of ours in one block and a stranger between, so that places have to be proved.
        a = pay([(last, 1)], (OURS, 10_000 + n))
        b = pay([(a, 0)], (OURS, 9_000 + n), (ALSO_OURS, 1))
        stranger = pay([(third, 0)], (FOREIGN, n + 1))
        last = pay([(b, 0)], (FOREIGN, 1), (OURS, 8_000 + n))
        chain.add_block([a, stranger, b, last])
    chain.add_blocks(3)
    return Story(chain, receipt, (first, second, third), chained_in)


def recorded() -> tuple[SimulatedChain, list[str]]:
    """The whole chain of a recorded node, and the four addresses of its wallet."""
    data = json.loads(shared_file("vectors/core-rpc/chain.json").read_text(encoding="utf-8"))
    blocks = [Block.parse(bytes.fromhex(raw)) for raw in data["blocks"]]
    return SimulatedChain(blocks=blocks), data["addresses"]


NOWHERE = Txid("11" * 32)
