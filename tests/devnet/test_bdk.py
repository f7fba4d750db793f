"""BDK as a wallet on the devnet: the client that production wallets use, over real HTTP."""

import threading
import time

import pytest
import uvicorn

from khazana.bitcoin.transaction import TxOut
from khazana.devnet.esplora_api import create_app
from khazana.devnet.network import Devnet
from khazana.units import Sats
from tests.devnet.keys import DAY, T0, Key
from tests.devnet.server_process import free_port

bdk = pytest.importorskip("bdkpython", reason="the office profile is not installed")

GAP, PARALLEL = 20, 4
ADDRESS = Key("nobody paid this one").address


class Server:
    def __init__(self, directory):
        self.devnet = Devnet(directory)
        port = free_port()
        config = uvicorn.Config(
            create_app(self.devnet, lambda: T0 + 3 * DAY),
            host="127.0.0.1",
            port=port,
            log_level="error",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        self.client = bdk.EsploraClient(f"http://127.0.0.1:{port}")

    def stop(self):
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path / "net")
    running.devnet.mine(110, time=T0)
    yield running
    running.stop()


def new_wallet(seed):
    mnemonic = bdk.Mnemonic.from_entropy(bytes([seed]) * 16)
    key = bdk.DescriptorSecretKey(bdk.NetworkKind.TEST, mnemonic, None)
    descriptors = [
        bdk.Descriptor.new_bip84(key, keychain, bdk.NetworkKind.TEST)
        for keychain in (bdk.KeychainKind.EXTERNAL, bdk.KeychainKind.INTERNAL)
    ]
    return bdk.Wallet(*descriptors, bdk.Network.REGTEST, bdk.Persister.new_in_memory())


def full_scan(server, wallet):
    request = wallet.start_full_scan().build()
    wallet.apply_update(server.client.full_scan(request, GAP, PARALLEL))


def sync(server, wallet):
    request = wallet.start_sync_with_revealed_spks().build()
    wallet.apply_update(server.client.sync(request, PARALLEL))


def receive(server, wallet, amount):
    address = wallet.reveal_next_address(bdk.KeychainKind.EXTERNAL).address
    script = bytes(address.script_pubkey().to_bytes())
    return server.devnet.pay([TxOut(Sats(amount), script)])


def total(wallet):
    return wallet.balance().total.to_sat()


def paying(wallet, script, amount, *, rate=2):
    psbt = (
        bdk.TxBuilder()
        .add_recipient(script, bdk.Amount.from_sat(amount))
        .fee_rate(bdk.FeeRate.from_sat_per_vb(rate))
        .finish(wallet)
    )
    assert wallet.sign(psbt, None)
    return psbt.extract_tx()


def test_a_full_scan_finds_more_payments_than_one_page_holds(server):
    wallet = new_wallet(1)
    for n in range(64):
        receive(server, wallet, 10_000 + n)
        if n % 20 == 19:
            server.devnet.mine(1, time=T0 + DAY)
    server.devnet.mine(1, time=T0 + DAY)
    watcher = new_wallet(1)
    full_scan(server, watcher)
    assert total(watcher) == sum(range(10_000, 10_064))
    assert len(watcher.transactions()) == 64


def test_one_address_with_more_than_sixty_payments_is_paged(server):
    wallet = new_wallet(2)
    address = wallet.reveal_next_address(bdk.KeychainKind.EXTERNAL).address
    script = bytes(address.script_pubkey().to_bytes())
    for n in range(63):
        server.devnet.pay([TxOut(Sats(5_000 + n), script)])
    server.devnet.mine(1, time=T0 + DAY)
    for n in range(3):
        server.devnet.pay([TxOut(Sats(9_000 + n), script)])
    sync(server, wallet)
    assert total(wallet) == sum(range(5_000, 5_063)) + sum(range(9_000, 9_003))
    balance = wallet.balance()
    assert balance.confirmed.to_sat() == sum(range(5_000, 5_063))


def test_broadcast_replacement_and_confirmation(server):
    anna, bo = new_wallet(3), new_wallet(4)
    receive(server, anna, 1_000_000)
    server.devnet.mine(1, time=T0 + DAY)
    full_scan(server, anna)
    to = bo.reveal_next_address(bdk.KeychainKind.EXTERNAL).address.script_pubkey()
    first = paying(anna, to, 400_000)
    server.client.broadcast(first)
    sync(server, anna)
    sync(server, bo)
    assert total(bo) == 400_000
    psbt = bdk.BumpFeeTxBuilder(first.compute_txid(), bdk.FeeRate.from_sat_per_vb(10)).finish(anna)
    assert anna.sign(psbt, None)
    second = psbt.extract_tx()
    server.client.broadcast(second)
    assert [w.txid for w in server.devnet.mempool] == [str(second.compute_txid())]
    server.devnet.mine(1, time=T0 + DAY)
    sync(server, bo)
    assert bo.balance().confirmed.to_sat() == 400_000
    with pytest.raises(bdk.EsploraError) as refused:
        server.client.broadcast(first)
    assert "bad-txns-inputs-missingorspent" in str(refused.value)


def test_a_reorganisation_unconfirms_and_confirms_again(server):
    wallet = new_wallet(5)
    receive(server, wallet, 250_000)
    server.devnet.mine(1, time=T0 + DAY)
    sync(server, wallet)
    assert wallet.balance().confirmed.to_sat() == 250_000
    server.devnet.reorganise(1, time=T0 + DAY, keep=False)
    sync(server, wallet)
    balance = wallet.balance()
    assert (balance.confirmed.to_sat(), balance.total.to_sat()) == (0, 250_000)
    server.devnet.mine(1, time=T0 + DAY)
    sync(server, wallet)
    assert wallet.balance().confirmed.to_sat() == 250_000


def test_every_question_of_bdks_client_is_answered(server):
    wallet = new_wallet(6)
    txid = bdk.Txid.from_string(receive(server, wallet, 70_000))
    client = server.client
    assert client.get_tx_status(txid).confirmed is False
    server.devnet.mine(1, time=T0 + DAY)
    tip = server.devnet.tip()
    tip_hash = bdk.BlockHash.from_string(tip.hash)
    assert client.get_height() == tip.height
    assert str(client.get_block_hash(tip.height)) == tip.hash
    assert str(client.get_tip_hash()) == tip.hash
    assert client.get_fee_estimates()[1] >= 1.0
    assert str(client.get_tx(txid).compute_txid()) == str(txid)
    assert client.get_tx(bdk.Txid.from_string("11" * 32)) is None
    assert client.get_tx_info(txid).status.block_height == tip.height
    assert client.get_tx_status(txid).block_height == tip.height
    assert client.get_header_by_hash(tip_hash).time == server.devnet.index.blocks[-1].header.time
    assert client.get_merkle_proof(txid).block_height == tip.height
    assert client.get_output_status(txid, 0).spent is False
    assert client.get_block_by_hash(tip_hash) is not None
    found = client.get_address_txs(bdk.Address(ADDRESS, bdk.Network.REGTEST), None)
    assert found == []
    assert str(client.get_tx_no_opt(txid).compute_txid()) == str(txid)
    assert str(client.get_txid_at_block_index(tip_hash, 1)) == str(txid)
