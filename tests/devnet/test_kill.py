"""Nothing acknowledged is lost, whenever the process is killed."""

import os
import random
import signal
import threading

import httpx
import pytest

from khazana.bitcoin.block import Block
from khazana.bitcoin.transaction import TxOut
from khazana.devnet.network import Devnet
from khazana.units import Sats
from tests.devnet.keys import T0, Key
from tests.devnet.server_process import Servers

KILLS = 25
CLOCK = T0 + 100_000


class Promises:
    """What the server acknowledged so far, as its client remembers it."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.transactions: list[str] = []

    def check(self, devnet: Devnet) -> None:
        for block_hash in self.blocks:
            raw = devnet.raw_block(block_hash)
            assert raw is not None
            assert Block.parse(raw).hash == block_hash
        # Every transaction is in a block or waits: no acknowledged one conflicts with another.
        for txid in self.transactions:
            assert txid in devnet.mempool or devnet.index.placed(txid) is not None


def drive(client: httpx.Client, rng: random.Random, promises: Promises) -> None:
    """Ask for random work until the server is gone, writing down every answer."""
    anna = Key("Anna")
    while True:
        try:
            kind = rng.random()
            if kind < 0.6:
                wanted = {"address": anna.address, "amount": rng.randrange(1_000, 100_000)}
                answer = client.post("/devnet/faucet", json=wanted)
                if answer.status_code == 200:
                    promises.transactions.append(answer.json()["txid"])
                else:  # a long chain of unconfirmed change: mine it
                    client.post("/devnet/mine", json={})
            elif kind < 0.85:
                answer = client.post("/devnet/mine", json={"blocks": rng.randrange(1, 3)})
                promises.blocks += [block["hash"] for block in answer.json()["blocks"]]
            else:
                wanted = {"depth": rng.randrange(1, 4), "keep": rng.random() < 0.5}
                answer = client.post("/devnet/reorganise", json=wanted)
                assert answer.json()["gone"] == []
                promises.blocks.append(answer.json()["new_tip"]["hash"])
        except httpx.TransportError:
            return


def test_every_acknowledged_block_and_transaction_survives_many_kills(tmp_path):
    rng = random.Random(20_26)
    with Devnet(tmp_path) as devnet:
        devnet.mine(130, time=T0)
    promises = Promises()
    with Servers() as servers:
        for _ in range(KILLS):
            server = servers.start(tmp_path, clock=CLOCK)
            timer = threading.Timer(rng.uniform(0.005, 0.15), server.signal)
            timer.start()
            drive(server.client, rng, promises)
            timer.join()
            assert servers.ended(server) == -signal.SIGKILL
            with Devnet(tmp_path) as devnet:
                promises.check(devnet)
    assert len(promises.blocks) > KILLS
    assert len(promises.transactions) > KILLS
    # Reopened in process, the chain still works.
    with Devnet(tmp_path) as devnet:
        devnet.mine(1, time=CLOCK)
        assert len(devnet.mempool) == 0


@pytest.mark.parametrize("step", range(12))
def test_a_kill_between_two_writes_of_a_reorganisation_loses_no_transaction(tmp_path, step):
    """The process dies at each write to the disk that a reorganisation makes, one after another."""
    with Devnet(tmp_path) as devnet:
        devnet.mine(110, time=T0)
        paid = [devnet.pay([TxOut(Sats(5_000 + n), Key("Anna").script)]) for n in range(3)]
        devnet.mine(1, time=T0 + 1)
        paid.append(devnet.pay([TxOut(Sats(9_000), Key("Anna").script)]))
    child = os.fork()
    if child == 0:  # in the child: die at write number `step`
        devnet = Devnet(tmp_path)
        count = 0
        write = os.write

        def dying_write(fd, data):
            nonlocal count
            count += 1
            if count > step:
                write(fd, bytes(data)[: len(data) // 2])  # torn in the middle
                os.kill(os.getpid(), signal.SIGKILL)
            return write(fd, data)

        os.write = dying_write
        devnet.reorganise(1, time=T0 + 2, keep=False)
        os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    with Devnet(tmp_path) as devnet:
        for txid in paid:
            assert txid in devnet.mempool or devnet.index.placed(txid) is not None
        devnet.mine(1, time=T0 + 3)
        assert all(devnet.index.placed(txid) is not None for txid in paid)
