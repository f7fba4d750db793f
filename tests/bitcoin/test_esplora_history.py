import json
import random
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khazana.bitcoin.adapters.esplora import EsploraChain
from khazana.bitcoin.adapters.esplora_requests import Limits
from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.chain import BlockNotInBestChain, ChainSourceError
from khazana.bitcoin.hashes import sha256
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import Height, Sats, Txid
from tests.bitcoin.esplora_server import EsploraServer
from tests.bitcoin.loopback import Reply

SCRIPTS = [b"\x51\x20" + bytes([number]) * 32 for number in range(4)]
OURS, OTHERS = SCRIPTS[0], SCRIPTS[3]


def pay(*scripts, spend=None, salt=0):
    """A transaction that pays each script; without `spend` its coin comes from nowhere."""
    source = OutPoint(Txid(sha256(b"%d" % salt).hex()), 0) if spend is None else spend
    outputs = tuple(TxOut(Sats(1000 + salt), script) for script in scripts)
    return Transaction(2, (TxIn(source, b"", 0xFFFF_FFFF, (b"witness",)),), outputs, 0)


@contextmanager
def viewing(server, **limits):
    with (
        server.running() as url,
        EsploraChain(
            WebAddress.parse(url),
            jitter=random.Random(7),
            sleep=lambda _: None,
            limits=Limits(**{"tries": 2, "timeout_s": 5.0, **limits}),
        ) as view,
    ):
        yield view


def paid(count=3):
    """A chain with one payment to us in each of `count` blocks, and a foreign one beside it."""
    chain = SimulatedChain()
    for number in range(count):
        chain.add_block([pay(OTHERS, salt=900 + number), pay(OURS, salt=number)])
    return chain


def altered(part, change):
    """A server's `instead`: change the JSON of the paths that contain `part`."""

    def instead(path, reply):
        if part not in path or reply.status != 200:
            return None
        return Reply(200, json.dumps(change(json.loads(reply.body))).encode())

    return instead


def refusal(chain, instead, **limits):
    """What is said about a history from a server that answers so."""
    server = EsploraServer(chain, instead=instead)
    with viewing(server, **limits) as view, pytest.raises(ChainSourceError) as caught:
        view.history([OURS], None, chain.tip())
    assert caught.value.source.startswith("http://127.0.0.1:")
    return f"{caught.value.asked}: {caught.value.problem}"


# Honest servers


@st.composite
def chains(draw):
    chain, coins, salt = SimulatedChain(), [], 0
    for count in draw(st.lists(st.integers(0, 4), min_size=1, max_size=8)):
        transactions = []
        for _ in range(count):
            salt += 1
            spend = None
            if coins and draw(st.booleans()):
                spend = coins.pop(draw(st.integers(0, len(coins) - 1)))
            scripts = draw(st.lists(st.sampled_from(SCRIPTS), min_size=1, max_size=3))
            transaction = pay(*scripts, spend=spend, salt=salt)
            transactions.append(transaction)
            coins += [transaction.outpoint(vout) for vout in range(len(scripts))]
        chain.add_block(transactions)
    return chain


@settings(max_examples=20)
@given(chains(), st.data())
def test_a_server_of_any_paging_answers_as_the_chain_itself(chain, data):
    heights = st.integers(0, len(chain.blocks) - 1)
    until = chain.block_at(Height(data.draw(heights)))
    after = data.draw(st.none() | heights)
    after = None if after is None else chain.block_at(Height(after))
    scripts = data.draw(st.lists(st.sampled_from(SCRIPTS), max_size=3))
    server = EsploraServer(
        chain,
        page_size=data.draw(st.sampled_from([1, 2, 25])),
        order_within_blocks=data.draw(st.sampled_from([1, -1])),
    )
    with viewing(server) as view:
        assert view.history(scripts, after, until) == chain.history(scripts, after, until)
        assert view.coins_at(scripts, until) == chain.coins_at(scripts, until)
        assert view.headers(Height(0), until) == chain.headers(Height(0), until)


def test_a_period_is_not_read_further_back_than_it_reaches():
    chain = paid(30)
    server = EsploraServer(chain, page_size=5)
    with viewing(server) as view:
        view.history([OURS], chain.block_at(Height(28)), chain.tip())
    assert sum("/txs" in path for path in server.asked) == 2


def test_a_block_with_several_of_our_transactions_is_asked_once():
    chain = SimulatedChain()
    tip = chain.add_block([pay(OURS, salt=number) for number in range(9)])
    server = EsploraServer(chain)
    with viewing(server) as view:
        assert view.history([OURS], None, tip) == chain.history([OURS], None, tip)
    assert not any("merkle-proof" in path for path in server.asked)
    assert sum("/txids" in path for path in server.asked) == 1


def test_what_waits_in_the_mempool_is_not_history():
    chain = paid(1)
    waiting = json.loads(EsploraServer(chain).tx(chain.blocks[1].transactions[2].txid).body)
    waiting.update(txid="ee" * 32, status={"confirmed": False})

    def instead(path, reply):
        if not path.endswith("/txs"):
            return None
        # More wait than fit on the first page: what is confirmed begins behind it.
        return Reply(200, json.dumps([waiting] * 50).encode())

    with viewing(EsploraServer(chain, instead=instead)) as view:
        assert view.history([OURS], None, chain.tip()) == chain.history([OURS], None, chain.tip())


def test_a_list_that_shortens_scripts_is_read_from_the_raw_bytes():
    chain = paid(2)

    def change(page):
        for entry in page:
            entry["vin"][0]["scriptsig"] = "00"
        return page

    with viewing(EsploraServer(chain, instead=altered("/txs", change))) as view:
        assert view.history([OURS], None, chain.tip()) == chain.history([OURS], None, chain.tip())


# Servers that are wrong


def test_a_transaction_that_does_not_hash_to_its_txid_is_refused():
    chain = paid()
    other = pay(OURS, salt=77).serialize()

    def instead(path, reply):
        if path.endswith("/raw"):
            return Reply(200, other)
        return altered("/txs", lambda page: [{**entry, "version": 7} for entry in page])(
            path, reply
        )

    assert "the transaction hashes to " in refusal(chain, instead)


@pytest.mark.parametrize("raw", [b"", b"\x00" * 60])
def test_raw_bytes_that_are_no_transaction_are_refused(raw):
    def instead(path, reply):
        if path.endswith("/raw"):
            return Reply(200, raw)
        return altered("/txs", lambda page: [{**entry, "version": 7} for entry in page])(
            path, reply
        )

    assert "Not a valid transaction" in refusal(paid(), instead)


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: {**proof, "pos": proof["pos"] ^ 1},
        lambda proof: {**proof, "pos": proof["pos"] + 4},
        lambda proof: {**proof, "merkle": ["00" * 32, *proof["merkle"][1:]]},
        lambda proof: {**proof, "merkle": proof["merkle"][:-1]},
        lambda proof: {**proof, "merkle": []},
    ],
)
def test_a_proof_that_does_not_reach_the_header_is_refused(change):
    said = refusal(paid(), altered("merkle-proof", change))
    assert "the Merkle proof does not lead from it to the header of block" in said


def test_a_proof_for_another_block_is_refused():
    said = refusal(paid(), altered("merkle-proof", lambda proof: {**proof, "block_height": 1_000}))
    assert "no proof for block" in said


def test_a_block_that_lacks_the_transaction_said_to_be_in_it_is_refused():
    chain = SimulatedChain()
    chain.add_block([pay(OURS, salt=1), pay(OURS, salt=2)])
    said = refusal(chain, altered("/txids", lambda txids: ["ee" * 32, *txids[1:-1]]))
    assert "said to be in this block, is missing" in said


def test_a_list_of_txids_that_is_not_the_blocks_is_refused():
    chain = SimulatedChain()
    chain.add_block([pay(OURS, salt=1), pay(OURS, salt=2)])
    assert "the Merkle proof does not lead" in refusal(
        chain, altered("/txids", lambda txids: txids[::-1])
    )


def test_a_transaction_of_somebody_else_is_refused():
    chain = paid()
    wanted = sha256(OURS).hex()

    server = EsploraServer(chain)

    def foreign(path, reply):
        return server._honest(path.replace(wanted, sha256(OTHERS).hex()))

    assert "it neither pays nor spends from" in refusal(chain, foreign)


def test_a_list_that_begins_again_and_again_is_refused():
    chain = paid()
    first = EsploraServer(chain)

    def instead(path, reply):
        return first._honest(path.split("/chain")[0]) if "/chain/" in path else None

    assert "is listed for the second time" in refusal(chain, instead)


def test_a_list_that_never_ends_is_given_up():
    assert "more than 2 transactions for script" in refusal(
        paid(3), lambda *_: None, most_transactions=2
    )


def test_a_list_that_is_not_newest_first_is_refused():
    # Only in that order may the reading of a period stop at its beginning.
    assert "is listed behind block" in refusal(paid(), altered("/txs", lambda page: page[::-1]))


def test_a_confirmed_transaction_without_a_block_is_refused():
    def change(page):
        return [{**entry, "status": {"confirmed": True}} for entry in page]

    assert "its block is not named" in refusal(paid(), altered("/txs", change))


@pytest.mark.parametrize("field", ["txid", "version", "locktime", "vin", "vout", "status"])
@pytest.mark.parametrize("value", [None, -(2**40), "x", {}])
def test_a_field_of_another_type_is_refused(field, value):
    def change(page):
        return [{**entry, field: value} for entry in page]

    assert "not the expected JSON" in refusal(paid(1), altered("/txs", change))


def test_a_header_that_is_not_the_blocks_is_refused():
    chain = paid()
    said = refusal(
        chain, altered("/blocks/", lambda page: [{**block, "nonce": 1 << 31} for block in page])
    )
    assert "hashes to" in said


def test_a_page_of_other_heights_is_refused():
    chain = paid()
    assert "expected, got" in refusal(chain, altered("/blocks/", lambda page: page[1:]))
    assert "0 blocks in an answer" in refusal(chain, altered("/blocks/", lambda page: []))


# Chains that change during a read


def test_a_tip_that_goes_while_a_list_is_paged_hides_nothing():
    """A page begun behind a transaction that is gone is empty; what is older must not be lost."""
    chain = paid(6)
    until = chain.block_at(Height(4))
    done = []

    def before(path):
        if "/txs/chain/" in path and not done:
            done.append(path)
            chain.reorganise(Height(5), [[], []])

    server = EsploraServer(chain, page_size=1, before=before)
    with viewing(server) as view:
        assert view.history([OURS], None, until) == chain.history([OURS], None, until)
    assert done
    assert len(chain.history([OURS], None, until)) == 4


def test_a_period_that_is_reorganised_away_is_refused_whole():
    for moment in ("/txs", "merkle-proof", "/blocks/"):
        chain = paid(6)
        until, done = chain.tip(), []

        def before(path, chain=chain, done=done, moment=moment):
            if moment in path and not done:
                done.append(path)
                chain.reorganise(Height(3), [[], [], [], []])

        server = EsploraServer(chain, before=before)
        with viewing(server) as view, pytest.raises(BlockNotInBestChain):
            view.history([OURS], None, until)
        assert done


def test_a_chain_that_never_rests_is_given_up():
    chain = paid(3)
    until = chain.block_at(Height(1))

    def before(path):
        if "/txs" in path and "/chain" not in path:
            # The newest payment moves on whenever a list has been begun.
            salt = 50 + len(chain.blocks)
            chain.add_block([pay(OURS, salt=salt)])
        elif "/txs/chain" in path:
            height = Height(len(chain.blocks) - 2)
            chain.reorganise(height, [[], []])

    server = EsploraServer(chain, page_size=1, before=before)
    with viewing(server) as view, pytest.raises(ChainSourceError) as caught:
        view.history([OURS], None, until)
    assert "the chain changed during each of 3 reads" in caught.value.problem
