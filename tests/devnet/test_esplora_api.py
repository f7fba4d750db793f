import json

import pytest
from starlette.testclient import TestClient

from khazana.bitcoin.address import address_of
from khazana.bitcoin.block import Block, root_of_branch
from khazana.bitcoin.hashes import from_displayed, sha256
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import null_data
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.devnet.esplora_api import create_app
from khazana.devnet.network import Devnet
from khazana.units import Sats
from tests.devnet.keys import DAY, T0, Key, out

ANNA, BO = Key("Anna"), Key("Bo")
NOBODY = "00" * 31 + "01"


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """Anna received 70 payments in blocks and 60 wait; blocks 1 to 180."""
    directory = tmp_path_factory.mktemp("devnet")
    devnet = Devnet(directory)
    devnet.mine(170, time=T0)
    for n in range(70):
        devnet.pay([TxOut(Sats(10_000 + n), ANNA.script)])
        if n % 10 == 9:
            devnet.mine(1, time=T0 + DAY)
    devnet.mine(3, time=T0 + DAY)
    for n in range(60):
        devnet.pay([TxOut(Sats(20_000 + n), ANNA.script)])
    yield devnet
    devnet.close()


@pytest.fixture
def api(net):
    # No lifespan here: it would close the devnet that the tests share.
    return TestClient(create_app(net, lambda: T0 + 2 * DAY))


def hash_of(key):
    return sha256(key.script).hex()


def test_tip_height_and_hash_are_text(api, net):
    assert api.get("/blocks/tip/height").text == str(net.tip().height) == "180"
    assert api.get("/blocks/tip/hash").text == net.tip().hash


def test_blocks_come_in_tens_newest_first(api, net):
    newest = api.get("/blocks").json()
    assert [b["height"] for b in newest] == list(range(180, 170, -1))
    assert api.get("/blocks/180").json() == newest
    assert [b["height"] for b in api.get("/blocks/4").json()] == [4, 3, 2, 1, 0]
    assert api.get("/blocks/181").status_code == 404
    assert api.get("/blocks/x").status_code == 400


def test_a_block_has_exactly_esploras_fields(api, net):
    tip = net.tip()
    block = Block.parse(net.raw_block(tip.hash))
    found = api.get(f"/block/{tip.hash}").json()
    assert found == {
        "id": tip.hash,
        "height": 180,
        "version": 0x2000_0000,
        "timestamp": block.header.time,
        "tx_count": 1,
        "size": len(block.serialize()),
        "weight": 3 * (81 + len(block.transactions[0].serialize(witness=False)))
        + len(block.serialize()),
        "merkle_root": block.header.merkle_root_le[::-1].hex(),
        "previousblockhash": block.header.previous,
        "mediantime": net.index.median_time,
        "nonce": block.header.nonce,
        "bits": 0x207FFFFF,
        "difficulty": pytest.approx(4.6565423739069247e-10),
    }
    assert api.get(f"/block/{REGTEST.genesis}").json()["previousblockhash"] is None


def test_block_pieces_agree_with_the_block(api, net):
    height = next(b.ref.height for b in net.index.blocks if len(b.txids) > 5)
    block_hash = api.get(f"/block-height/{height}").text
    raw = api.get(f"/block/{block_hash}/raw").content
    block = Block.parse(raw)
    assert api.get(f"/block/{block_hash}/header").text == raw[:80].hex()
    txids = [t.txid for t in block.transactions]
    assert api.get(f"/block/{block_hash}/txids").json() == txids
    assert [api.get(f"/block/{block_hash}/txid/{n}").text for n in range(len(txids))] == txids
    assert [t["txid"] for t in api.get(f"/block/{block_hash}/txs").json()] == txids
    assert api.get(f"/block/{block_hash}/txid/{len(txids)}").status_code == 404
    assert api.get(f"/block/{block_hash}/txs/1").status_code == 400
    assert api.get(f"/block/{block_hash}/txs/25").status_code == 400
    next_hash = api.get(f"/block-height/{height + 1}").text
    assert api.get(f"/block/{block_hash}/status").json() == {
        "in_best_chain": True,
        "height": height,
        "next_best": next_hash,
    }


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/block-height/181", 404, "Block not found"),
        ("/block-height/-1", 400, "Invalid number"),
        ("/block-height/99999999999999999999", 400, "Invalid number"),
        (f"/block/{NOBODY}", 404, "Block not found"),
        (f"/block/{NOBODY}/raw", 404, "Block not found"),
        (f"/block/{NOBODY}/status", 404, "Block not found"),
        ("/block/xyz", 400, "Invalid hex string"),
        ("/block/abcd/header", 400, "Invalid hex string"),
        (f"/tx/{NOBODY}", 404, "Transaction not found"),
        (f"/tx/{NOBODY}/raw", 404, "Transaction not found"),
        (f"/tx/{NOBODY}/hex", 404, "Transaction not found"),
        (f"/tx/{NOBODY}/outspends", 404, "Transaction not found"),
        (f"/tx/{NOBODY}/merkle-proof", 404, "Transaction not found or is unconfirmed"),
        ("/tx/12", 400, "Invalid hex string"),
        ("/scripthash/12/txs", 400, "Invalid hex string"),
        ("/address/bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", 400, "mainnet"),
        ("/address/hello/utxo", 400, "Invalid Bitcoin address"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_bad_questions_get_esploras_status_and_words(api, path, status, text):
    answer = api.get(path)
    assert answer.status_code == status
    assert text in answer.text


def test_a_confirmed_transaction_has_esploras_fields(api, net):
    placed = net.index.history(ANNA.script)[0]
    transaction = placed.transaction
    found = api.get(f"/tx/{transaction.txid}").json()
    vout = next(n for n, o in enumerate(transaction.outputs) if o.script == ANNA.script)
    block = net.index.blocks[placed.height]
    assert found["status"] == {
        "confirmed": True,
        "block_height": placed.height,
        "block_hash": block.ref.hash,
        "block_time": block.header.time,
    }
    assert found["vout"][vout] == {
        "scriptpubkey": ANNA.script.hex(),
        "scriptpubkey_type": "v0_p2wpkh",
        "scriptpubkey_address": ANNA.address,
        "value": 10_000,
    }
    source = found["vin"][0]
    assert source["prevout"]["scriptpubkey"] == net.faucet.script.hex()
    assert source["is_coinbase"] is False
    assert [bytes.fromhex(item) for item in source["witness"]] == list(
        transaction.inputs[0].witness
    )
    paid_in = sum(i["prevout"]["value"] for i in found["vin"])
    assert found["fee"] == paid_in - sum(o["value"] for o in found["vout"]) > 0
    assert found["size"] == len(transaction.serialize())
    assert found["weight"] == 3 * len(transaction.serialize(witness=False)) + found["size"]
    assert found["sigops"] == len(transaction.inputs)
    assert api.get(f"/tx/{transaction.txid}/status").json() == found["status"]
    assert api.get(f"/tx/{transaction.txid}/raw").content == transaction.serialize()
    assert (
        Transaction.parse(bytes.fromhex(api.get(f"/tx/{transaction.txid}/hex").text)) == transaction
    )


def test_a_coinbase_has_no_prevout_and_no_fee(api, net):
    found = api.get(f"/tx/{net.index.blocks[7].txids[0]}").json()
    assert found["vin"][0]["is_coinbase"] is True
    assert found["vin"][0]["prevout"] is None
    assert found["fee"] == 0
    assert found["vout"][1]["scriptpubkey_type"] == "op_return"
    assert "scriptpubkey_address" not in found["vout"][1]


def test_every_merkle_proof_leads_to_its_blocks_root(api, net):
    for block in net.index.blocks[165:]:
        for txid in block.txids:
            proof = api.get(f"/tx/{txid}/merkle-proof").json()
            root = root_of_branch(
                from_displayed(txid), proof["pos"], [from_displayed(h) for h in proof["merkle"]]
            )
            assert root == block.header.merkle_root_le
            assert proof["block_height"] == block.ref.height


def test_histories_are_paged_as_by_the_real_server(api):
    for about in (f"/scripthash/{hash_of(ANNA)}", f"/address/{ANNA.address}"):
        first = api.get(f"{about}/txs").json()
        waiting = [t for t in first if not t["status"]["confirmed"]]
        confirmed = [t for t in first if t["status"]["confirmed"]]
        assert (len(waiting), len(confirmed)) == (50, 25)
        assert first == waiting + confirmed
        assert api.get(f"{about}/txs/mempool").json() == waiting
        assert api.get(f"{about}/txs/chain").json() == confirmed
        seen = list(confirmed)
        while page := api.get(f"{about}/txs/chain/{seen[-1]['txid']}").json():
            assert len(page) <= 25
            seen += page
        assert len(seen) == len({t["txid"] for t in seen}) == 70
        heights = [t["status"]["block_height"] for t in seen]
        assert heights == sorted(heights, reverse=True)
        amounts = [o["value"] for t in seen for o in t["vout"] if o["value"] < 20_000]
        assert sorted(amounts) == list(range(10_000, 10_070))
        assert api.get(f"{about}/txs/chain/{NOBODY}").json() == []


def test_stats_and_coins_of_a_script(api):
    stats = api.get(f"/scripthash/{hash_of(ANNA)}").json()
    assert stats["scripthash"] == hash_of(ANNA)
    assert stats["chain_stats"] == {
        "funded_txo_count": 70,
        "funded_txo_sum": sum(range(10_000, 10_070)),
        "spent_txo_count": 0,
        "spent_txo_sum": 0,
        "tx_count": 70,
    }
    assert stats["mempool_stats"]["funded_txo_count"] == 60
    by_address = api.get(f"/address/{ANNA.address}").json()
    assert by_address["address"] == ANNA.address
    assert by_address["chain_stats"] == stats["chain_stats"]
    coins = api.get(f"/address/{ANNA.address}/utxo").json()
    assert len(coins) == 130
    assert set(coins[0]) == {"txid", "vout", "status", "value"}
    assert api.get(f"/scripthash/{hash_of(ANNA)}/utxo").json() == coins


def test_the_electrum_order_of_a_script_hash_finds_nothing(api):
    reversed_hash = sha256(ANNA.script)[::-1].hex()
    assert api.get(f"/scripthash/{reversed_hash}/txs").json() == []
    assert api.get(f"/scripthash/{reversed_hash}").json()["chain_stats"]["tx_count"] == 0
    assert api.get(f"/scripthash/{reversed_hash}/utxo").json() == []


def test_spends_show_in_blocks_and_in_the_mempool(api, net):
    (first, second) = [b.txids[0] for b in net.index.blocks[1:3]]
    answers = [api.get(f"/tx/{txid}/outspend/0").json() for txid in (first, second)]
    spent = [answer for answer in answers if answer["spent"]]
    assert spent
    for answer in spent:
        spender = api.get(f"/tx/{answer['txid']}").json()
        source = spender["vin"][answer["vin"]]
        assert (source["txid"], source["vout"]) in {(first, 0), (second, 0)}
        assert answer["status"] == spender["status"]
    assert api.get(f"/tx/{first}/outspends").json()[1] == {"spent": False}
    assert api.get(f"/tx/{NOBODY}/outspend/0").json() == {"spent": False}
    assert api.get(f"/tx/{NOBODY}/status").json() == {"confirmed": False}


def test_the_mempool_adds_up(api, net):
    found = api.get("/mempool").json()
    assert found["count"] == 60 == len(api.get("/mempool/txids").json())
    assert found["total_fee"] == sum(w.fee for w in net.mempool)
    assert sum(size for _, size in found["fee_histogram"]) == found["vsize"]
    assert len(api.get("/mempool/recent").json()) == 10


def test_fee_estimates_never_fall_below_the_relay_fee(api):
    estimates = api.get("/fee-estimates").json()
    assert estimates["1"] >= 1.0
    assert set(map(str, range(1, 26))) <= set(estimates)


@pytest.mark.parametrize(("body", "number"), [("zz", -22), ("", -22), ("0200", -22), ("é", -22)])
def test_what_is_no_transaction_is_refused_as_a_node_would(api, body, number):
    answer = api.post("/tx", content=body.encode())
    assert answer.status_code == 400
    message = json.loads(answer.text.removeprefix("sendrawtransaction RPC error: "))
    assert message["code"] == number
    assert message["message"].startswith("TX decode failed")


def test_a_refused_transaction_names_the_rule(api, net):
    placed = net.index.placed(net.index.blocks[-1].txids[0])
    coinbase = net.faucet.payment(
        net.index, net.mempool, [TxOut(Sats(5_000), BO.script)], sat_per_vbyte=2
    )
    forged = BO.spend([out(placed.transaction)], [(BO.script, 1_000)])
    answer = api.post("/tx", content=forged.serialize().hex())
    assert answer.status_code == 400
    assert '"code":-26,"message":"bad-txns-premature-spend-of-coinbase' in answer.text
    good = api.post("/tx", content=coinbase.serialize().hex())
    assert (good.status_code, good.text) == (200, coinbase.txid)


def test_a_body_without_end_is_not_read(api):
    assert api.post("/tx", content=b"0" * 8_100_000).status_code == 413


# Control


@pytest.fixture
def own(tmp_path):
    devnet = Devnet(tmp_path / "own")
    devnet.mine(105, time=T0)
    with TestClient(create_app(devnet, lambda: T0 + 5 * DAY)) as client:
        yield client, devnet


def test_the_lifespan_closes_the_devnet(tmp_path):
    devnet = Devnet(tmp_path)
    with TestClient(create_app(devnet, lambda: T0)) as client:
        assert client.get("/blocks/tip/height").text == "0"
    with Devnet(tmp_path) as reopened:
        assert reopened.tip().height == 0


def test_mining_on_demand_uses_the_clock_or_the_given_time(own):
    client, devnet = own
    mined = client.post("/devnet/mine", json={"blocks": 2, "address": ANNA.address}).json()
    assert [block["height"] for block in mined["blocks"]] == [106, 107]
    assert devnet.index.blocks[106].header.time == T0 + 5 * DAY
    client.post("/devnet/mine", json={"time": T0 + 9 * DAY, "script": BO.script.hex()})
    assert devnet.index.blocks[-1].header.time == T0 + 9 * DAY
    assert len(list(devnet.index.coins(ANNA.script))) == 2
    assert len(list(devnet.index.coins(BO.script))) == 1


def test_the_faucet_pays_over_http_and_says_when_it_cannot(own):
    client, devnet = own
    paid = client.post("/devnet/faucet", json={"address": ANNA.address, "amount": 30_000})
    assert devnet.mempool.get(paid.json()["txid"]) is not None
    too_much = {"address": ANNA.address, "amount": 21 * 10**14}
    answer = client.post("/devnet/faucet", json=too_much)
    assert answer.status_code == 400
    assert answer.json()["code"] == "faucet_is_dry"


def test_reorganising_over_http_tells_what_happened(own):
    client, _devnet = own
    txid = client.post("/devnet/faucet", json={"address": ANNA.address, "amount": 30_000}).json()[
        "txid"
    ]
    block = client.post("/devnet/mine", json={}).json()["blocks"][0]
    done = client.post("/devnet/reorganise", json={"depth": 1, "leave_out": [txid]}).json()
    assert done["old_tip"] == block
    assert done["waiting"] == [txid]
    stale = client.get(f"/block/{block['hash']}/status").json()
    assert stale == {"in_best_chain": False, "height": None, "next_best": None}
    assert client.get(f"/block/{block['hash']}").status_code == 404
    assert client.get(f"/tx/{txid}/status").json() == {"confirmed": False}


def test_the_devnet_says_that_it_is_a_test_network(own):
    client, devnet = own
    about = client.get("/devnet").json()
    assert about["test"] is True
    assert about["network"] == "regtest"
    assert about["tip"] == {"height": 105, "hash": devnet.tip().hash}
    assert about["faucet"] == address_of(devnet.faucet.script, REGTEST)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("mine", {"blocks": 0}, "bad_devnet_request"),
        ("mine", {"blocks": 1001}, "bad_devnet_request"),
        ("mine", {"blocks": "3"}, "bad_devnet_request"),
        ("mine", {"block": 3}, "bad_devnet_request"),
        ("mine", {"time": 4_294_967_295}, "block_refused"),
        ("mine", {"address": "nonsense"}, "bad_address"),
        ("mine", {"address": ANNA.address, "script": "51"}, "bad_devnet_request"),
        ("mine", {"script": "5"}, "bad_devnet_request"),
        ("faucet", {"amount": 1_000}, "bad_devnet_request"),
        ("faucet", {"address": ANNA.address}, "bad_devnet_request"),
        ("faucet", {"address": ANNA.address, "amount": 1}, "transaction_refused"),
        ("faucet", {"address": ANNA.address, "amount": 1.5}, "bad_devnet_request"),
        ("reorganise", {"depth": 106}, "reorganisation_too_deep"),
        ("reorganise", {}, "bad_devnet_request"),
        ("reorganise", {"depth": 1, "leave_out": ["ab" * 32]}, "transaction_not_replaced"),
    ],
)
def test_a_bad_control_request_is_refused_by_name_and_changes_nothing(own, path, body, code):
    client, devnet = own
    tip = devnet.tip()
    answer = client.post(f"/devnet/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert devnet.tip() == tip
    assert len(devnet.mempool) == 0


def test_a_form_from_another_page_cannot_drive_the_devnet(own):
    client, devnet = own
    answer = client.post("/devnet/mine", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert devnet.tip().height == 105


def test_op_return_outputs_count_as_unspent_nowhere(own):
    client, devnet = own
    devnet.pay([TxOut(Sats(0), null_data(b"x"))])
    devnet.mine(1, time=T0 + 5 * DAY)
    script_hash = sha256(null_data(b"x")).hex()
    assert client.get(f"/scripthash/{script_hash}").json()["chain_stats"]["tx_count"] == 1
    assert client.get(f"/scripthash/{script_hash}/utxo").json() == []
