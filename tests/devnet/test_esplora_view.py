"""The Esplora view against the devnet's own server: one chain, two ways to ask it."""

import random
import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from khazana.bitcoin.adapters.esplora import EsploraChain
from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.chain import BlockNotInBestChain
from khazana.bitcoin.transaction import TxOut
from khazana.devnet.esplora_api import create_app
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.units import Height, Sats
from tests.devnet.keys import DAY, T0, Key, out

ANNA, BO = Key("Anna"), Key("Bo")


@contextmanager
def served(devnet):
    # Named TCP, or asyncio leaves Nagle's delay on and every answer takes 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(devnet, lambda: T0), log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def both(tmp_path):
    devnet = Devnet(tmp_path / "net")
    devnet.mine(110, time=T0)
    for number in range(30):
        for _ in range(1 + number % 3):
            devnet.pay([TxOut(Sats(30_000 + number), ANNA.script)])
        devnet.mine(2, time=T0 + DAY * (number + 1))
    txid = devnet.pay([TxOut(Sats(77_000), ANNA.script)])
    payment = devnet.mempool.get(txid).transaction
    devnet.mine(1, time=T0 + DAY * 40)
    vout = next(n for n, o in enumerate(payment.outputs) if o.script == ANNA.script)
    devnet.submit_transaction(ANNA.spend([out(payment, vout)], [(BO.script, 76_000)]))
    devnet.mine(1, time=T0 + DAY * 41)
    # Waits in the mempool, so it is no history.
    devnet.pay([TxOut(Sats(30_000), ANNA.script)])
    with (
        served(devnet) as url,
        EsploraChain(WebAddress.parse(url), jitter=random.Random(7), sleep=lambda _: None) as view,
    ):
        yield devnet, DevnetView(devnet), view


def test_over_http_the_devnet_answers_as_in_process(both):
    _, own, view = both
    tip, middle = own.tip(), own.block_at(Height(140))
    assert view.network == own.network
    assert view.tip() == tip
    assert view.block_at(middle.height) == view.block_of(middle.hash) == middle
    assert view.headers(Height(0), tip) == own.headers(Height(0), tip)
    scripts = [ANNA.script, BO.script]
    history = own.history(scripts, None, tip)
    assert len(history) > 50
    assert view.history(scripts, None, tip) == history
    assert view.history(scripts, middle, tip) == own.history(scripts, middle, tip)
    assert view.history(scripts, None, middle) == own.history(scripts, None, middle)
    for block in (middle, tip):
        assert view.coins_at(scripts, block) == own.coins_at(scripts, block)
    for confirmed in history[::20]:
        assert view.transaction(confirmed.txid, confirmed.block) == confirmed


def test_a_block_the_devnet_reorganised_away_is_refused(both):
    devnet, own, view = both
    stale = own.tip()
    assert view.history([ANNA.script], None, stale)
    devnet.reorganise(2, time=T0 + DAY * 50)
    for ask in (
        lambda: view.history([ANNA.script], None, stale),
        lambda: view.headers(Height(0), stale),
        lambda: view.block_of(stale.hash),
    ):
        with pytest.raises(BlockNotInBestChain):
            ask()
    tip = own.tip()
    assert view.history([ANNA.script], None, tip) == own.history([ANNA.script], None, tip)
