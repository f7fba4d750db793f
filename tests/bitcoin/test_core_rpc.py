"""The Core adapter against a recorded node, a misbehaving one, and bytes that are no answers."""

import base64
import hashlib
import json
import threading
import traceback
from itertools import pairwise

import pytest

from khazana.bitcoin.adapters import core_blocks, core_http, core_rpc, core_scan
from khazana.bitcoin.adapters.core_errors import (
    BadCoreSource,
    BlockPruned,
    FilterIndexBehind,
    FilterIndexMissing,
    FilterScanUnreliable,
    NodeError,
    NodeRefusesLogin,
    NodeStartingUp,
    ScanInProgress,
)
from khazana.bitcoin.adapters.core_place import core_place
from khazana.bitcoin.adapters.core_rpc import open_core
from khazana.bitcoin.chain import (
    BasisKind,
    BlockNotInBestChain,
    BlockRef,
    ChainSourceError,
    ConfirmedTransaction,
    HeightBeyondTip,
    TransactionNotInBlock,
)
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.transaction import NULL_TXID, OutPoint, Transaction, TxIn, TxOut
from khazana.units import BlockHash, Height, Sats, Txid
from tests.bitcoin.core_server import (
    INDEX,
    PASSWORD,
    USER,
    CoreNode,
    Fault,
    Raw,
    recorded_chain,
    recorded_result,
    recorded_scripts,
    serve,
    transcript,
)


def script(number: int) -> bytes:
    return b"\x00\x14" + number.to_bytes(20, "big")


def payment(number: int, *outputs: tuple[int, bytes]) -> Transaction:
    source = OutPoint(Txid(hashlib.sha256(b"%d" % number).hexdigest()), 0)
    return Transaction(2, (TxIn(source, b"", 0),), tuple(TxOut(Sats(a), s) for a, s in outputs), 0)


def small_chain(blocks: int = 12) -> SimulatedChain:
    """Each block pays script(its height); the coinbase of each pays script(0)."""
    chain = SimulatedChain()
    for height in range(1, blocks + 1):
        chain.add_block(
            [payment(height, (1000, script(height)))], coinbase=[TxOut(Sats(1), script(0))]
        )
    return chain


@pytest.fixture
def node():
    with serve(CoreNode(small_chain())) as running:
        yield running


@pytest.fixture
def view(node):
    with open_core(node.source, sleep=no_sleep) as opened:
        yield opened


@pytest.fixture
def recorded():
    with serve(CoreNode(recorded_chain())) as running:
        yield running


def no_sleep(seconds: float) -> None:
    raise AssertionError(f"nobody should wait here, but {seconds} s were asked for")


# The server answers as the recorded node did


def asked_of(node: CoreNode, request: dict) -> Raw:
    login = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return node.answer(json.dumps(request).encode(), login)


@pytest.mark.parametrize(
    "name",
    [
        "getblock-verbosity-0",
        "getblock-unknown",
        "getblockhash-out-of-range",
        "getblockheader-hex",
        "getindexinfo-synced",
        "method-not-found",
        "scanblocks-synced",
    ],
)
def test_the_test_server_says_byte_for_byte_what_the_recorded_node_said(name):
    recorded = transcript(name)
    answer = asked_of(CoreNode(recorded_chain()), recorded["request"])
    assert (answer.status, answer.body.decode()) == (
        recorded["http_status"],
        recorded["response_text"],
    )


def test_the_test_servers_header_is_the_recorded_one():
    chain = recorded_chain()
    del chain.blocks[171:]  # as long as the chain was then
    answer = asked_of(CoreNode(chain), transcript("getblockheader")["request"])
    assert answer.body.decode() == transcript("getblockheader")["response_text"]


def test_the_test_server_without_index_refuses_as_the_recorded_node_did():
    recorded = transcript("scanblocks-index-off")
    answer = asked_of(CoreNode(recorded_chain(), index=False), recorded["request"])
    assert (answer.status, answer.body.decode()) == (
        recorded["http_status"],
        recorded["response_text"],
    )


# A healthy node


def test_the_recorded_chain_is_read_as_it_is(recorded):
    chain, scripts = recorded.chain, recorded_scripts()
    with open_core(recorded.source) as view:
        tip = view.tip()
        assert tip == chain.tip()
        assert view.network == REGTEST
        assert view.history(scripts, None, tip) == chain.history(scripts, None, tip)
        assert view.coins_at(scripts, tip) == chain.coins_at(scripts, tip)
        assert view.headers(Height(0), tip) == chain.headers(Height(0), tip)


def test_the_recorded_scan_names_every_block_that_has_something(recorded):
    recorded.play("scanblocks-synced", "getindexinfo-synced", "getindexinfo-synced")
    with open_core(recorded.source) as view:
        found = view.history(recorded_scripts(), None, view.tip())
    assert recorded.played == []
    assert {c.block.hash for c in found} <= set(
        recorded_result("scanblocks-synced")["relevant_blocks"]
    )
    assert found == recorded.chain.history(recorded_scripts(), None, recorded.chain.tip())


def test_the_basis_is_the_users_own_index_at_an_address_without_login(node, view):
    assert view.basis.kind is BasisKind.OWN_INDEX
    assert str(view.basis) == f"own index ({node.url})"


def test_false_positives_of_the_filters_are_no_history(node, view):
    node.false_positives = [2, 3, 7]
    found = view.history([script(5)], None, view.tip())
    assert [c.block.height for c in found] == [5]


def test_only_calls_that_read_the_chain_are_sent(node, view):
    tip = view.tip()
    view.history([script(5)], None, tip)
    view.coins_at([script(5)], tip)
    view.transaction(node.chain.blocks[5].transactions[1].txid, view.block_at(Height(5)))
    view.headers(Height(0), tip)
    view.block_of(tip.hash)
    assert set(node.methods()) == {
        "getblock",
        "getblockchaininfo",
        "getblockhash",
        "getblockheader",
        "getindexinfo",
        "scanblocks",
    }


def test_a_history_is_scanned_once_in_a_view_and_its_block_is_asked_for_each_time(node, view):
    tip = view.tip()
    first = view.history([script(5)], None, tip)
    scans = node.methods().count("scanblocks")
    assert view.history([script(5), script(5)], None, tip) == first
    assert view.history([script(5)], view.block_at(Height(5)), tip) == []
    assert node.methods().count("scanblocks") == scans
    node.chain.reorganise(Height(11), [[], []])
    with pytest.raises(BlockNotInBestChain):
        view.history([script(5)], None, tip)


def test_the_scan_reaches_from_the_genesis_block_to_the_block_asked_about(node, view):
    view.history([script(5)], view.block_at(Height(7)), view.block_at(Height(9)))
    scans = [params for method, params in node.asked if method == "scanblocks"]
    trial, scan = scans
    assert trial[0] == scan[0] == "start"
    assert trial[2:] == [9, 9]
    assert scan[1:] == [[f"raw({script(5).hex()})"], 0, 9]


def test_large_sets_of_scripts_are_asked_for_in_pieces(node, view, monkeypatch):
    monkeypatch.setattr(core_scan, "SCRIPTS_PER_SCAN", 5)
    wanted = [script(n) for n in range(1, 13)]
    found = view.history(wanted, None, view.tip())
    assert found == node.chain.history(wanted, None, node.chain.tip())
    sizes = [len(params[1]) for method, params in node.asked if method == "scanblocks"]
    assert sizes == [1, 5, 5, 2]


def test_pieces_are_also_bounded_in_bytes(node, view, monkeypatch):
    monkeypatch.setattr(core_scan, "HEX_PER_SCAN", 100)
    wanted = [script(n) for n in range(1, 6)]
    found = view.history(wanted, None, view.tip())
    assert [c.block.height for c in found] == [1, 2, 3, 4, 5]
    sizes = [len(params[1]) for method, params in node.asked if method == "scanblocks"]
    assert sizes == [1, 2, 2, 1]


def test_histories_are_kept_up_to_a_bound(node, view, monkeypatch):
    monkeypatch.setattr(core_rpc, "KEPT_HISTORIES", 2)
    tip = view.tip()
    for number in (1, 2, 3, 1):
        assert len(view.history([script(number)], None, tip)) == 1
    # Four histories, each with its trial: the first had gone when it was asked for again.
    assert node.methods().count("scanblocks") == 8
    assert len(view._kept) == 2


def test_headers_are_asked_for_in_batches(node, view, monkeypatch):
    monkeypatch.setattr(core_http, "BATCH", 5)
    headers = view.headers(Height(0), view.tip())
    assert len(headers) == 13
    assert all(b.previous == a.hash for a, b in pairwise(headers))


def test_blocks_are_kept_up_to_a_bound_and_fetched_again_beyond(node, view, monkeypatch):
    size = len(node.chain.blocks[1].serialize())
    monkeypatch.setattr(core_blocks, "KEPT_BYTES", 3 * size)
    refs = [view.block_at(Height(h)) for h in (1, 2, 3, 4)]

    def read(number: int) -> ConfirmedTransaction:
        coinbase = node.chain.blocks[number].transactions[0]
        return view.transaction(coinbase.txid, refs[number - 1])

    for number in (1, 2, 3, 2, 1):
        read(number)
    assert node.methods().count("getblock") == 3
    read(4)
    read(3)
    assert node.methods().count("getblock") == 5
    assert sum(kept for kept, _ in view._blocks._kept.values()) <= 3 * size


# The index


def test_without_a_filter_index_the_error_says_what_to_switch_on(node, view):
    node.play("getindexinfo-none")
    with pytest.raises(FilterIndexMissing, match=r"blockfilterindex=1 .* bitcoin.conf, restart"):
        view.history([script(5)], None, view.tip())
    assert "scanblocks" not in node.methods()


def test_an_index_that_is_off_by_the_time_of_the_scan_gives_the_same_error(node, view):
    recorded = json.loads(transcript("scanblocks-index-off")["response_text"])["error"]

    def off(*_):
        raise Fault(recorded["code"], recorded["message"])

    node.special["scanblocks"] = off
    with pytest.raises(FilterIndexMissing):
        view.history([script(5)], None, view.tip())


def building_case() -> tuple[SimulatedChain, list[bytes]]:
    """A chain as high as the recorded one, and the forty scripts asked about."""
    request = transcript("scanblocks-index-building")["request"]
    scripts = [bytes.fromhex(d[4:-1]) for d in request["params"][1]]
    chain = SimulatedChain()
    chain.add_block([payment(1, (1000, scripts[0]))])
    chain.add_blocks(1898)
    chain.add_block(coinbase=[TxOut(Sats(1), script(0))])
    return chain, scripts


@pytest.fixture(scope="module")
def building():
    return building_case()


def test_the_recorded_node_whose_index_is_building_is_refused_before_the_scan(building):
    chain, scripts = building
    with serve(CoreNode(chain)) as node, open_core(node.source) as view:
        node.play("getindexinfo-building", "scanblocks-index-building")
        with pytest.raises(FilterIndexBehind, match="reaches height 0, not block 1900"):
            view.history(scripts, None, view.tip())


def test_the_recorded_empty_scan_is_refused_although_the_index_said_it_was_ready_before(building):
    """The recorded trap: `completed: true`, no blocks, no error."""
    chain, scripts = building
    with serve(CoreNode(chain)) as node, open_core(node.source) as view:
        node.play("scanblocks-index-building")
        states = [1900, 0]
        node.special["getindexinfo"] = lambda: {
            INDEX: {"synced": False, "best_block_height": states.pop(0)}
        }
        with pytest.raises(FilterIndexBehind):
            view.history(scripts, None, view.tip())
        assert states == []
        assert node.played == []


def test_an_index_that_only_claims_to_be_ready_is_found_out_by_a_trial(building):
    chain, scripts = building
    with serve(CoreNode(chain, indexed=0)) as node, open_core(node.source) as view:
        node.special["getindexinfo"] = lambda: {INDEX: {"synced": True, "best_block_height": 1900}}
        with pytest.raises(FilterScanUnreliable, match="1900"):
            view.history(scripts, None, view.tip())


def test_after_the_index_is_complete_the_same_question_is_answered(building):
    chain, scripts = building
    with serve(CoreNode(chain, indexed=0)) as node, open_core(node.source) as view:
        with pytest.raises(FilterIndexBehind):
            view.history(scripts, None, view.tip())
        node.indexed = 1900
        found = view.history(scripts, None, view.tip())
        assert [c.block.height for c in found] == [1]


def test_the_recorded_complete_scan_names_blocks_that_another_chain_does_not_have(building):
    chain, scripts = building
    with serve(CoreNode(chain)) as node, open_core(node.source) as view:
        node.play("scanblocks-index-complete")
        with pytest.raises(ChainSourceError, match="Block not found"):
            view.history(scripts, None, view.tip())
        assert node.played == []


def test_an_index_behind_the_tip_serves_blocks_it_has_reached(node, view):
    node.indexed = 8
    found = view.history([script(5)], None, view.block_at(Height(8)))
    assert [c.block.height for c in found] == [5]
    with pytest.raises(FilterIndexBehind, match="reaches height 8, not block 9"):
        view.history([script(5)], None, view.block_at(Height(9)))


def test_a_synced_flag_is_not_enough_when_the_height_is_behind(node, view):
    node.special["getindexinfo"] = lambda: {INDEX: {"synced": True, "best_block_height": 11}}
    with pytest.raises(FilterIndexBehind):
        view.history([script(5)], None, view.tip())


@pytest.mark.parametrize(
    "state",
    [
        [],
        None,
        {INDEX: None},
        {INDEX: {}},
        {INDEX: {"synced": 1, "best_block_height": 99}},
        {INDEX: {"synced": True, "best_block_height": True}},
        {INDEX: {"synced": True, "best_block_height": "12"}},
    ],
)
def test_a_malformed_state_of_the_index_is_refused(node, view, state):
    node.special["getindexinfo"] = lambda: state
    with pytest.raises(ChainSourceError, match="getindexinfo"):
        view.history([script(5)], None, view.tip())


def test_a_block_with_nothing_a_filter_holds_is_served_on_the_word_of_the_index(node, view):
    node.chain.add_block()  # its only output is OP_RETURN
    found = view.history([script(5)], None, view.tip())
    assert [c.block.height for c in found] == [5]


@pytest.mark.parametrize("wanted", [b"", b"\x6a", b"\x6a\x04data"])
def test_scripts_that_filters_leave_out_are_refused_instead_of_not_found(view, wanted):
    with pytest.raises(ChainSourceError, match="in no index"):
        view.history([script(1), wanted], None, view.tip())


# Scans


def test_a_scan_of_somebody_else_is_named_with_what_to_do(node, view):
    def busy(*_):
        raise Fault(-8, 'Scan already in progress, use action "abort" or "status"')

    node.special["scanblocks"] = busy
    with pytest.raises(ScanInProgress, match="scanblocks abort"):
        view.history([script(5)], None, view.tip())


def test_views_of_one_node_scan_one_after_another(node):
    running, most = [], []

    def scan(*params):
        running.append(1)
        most.append(len(running))
        # Long enough for another view's scan to arrive, if one could.
        threading.Event().wait(0.02)
        answer = node._scan(*params)
        running.pop()
        return answer

    node.special["scanblocks"] = scan
    # Without the server's own lock, so that only ours is at work.
    node.lock = _NoLock()
    found = []

    def ask(number: int) -> None:
        with open_core(node.source) as view:
            found.append(len(view.history([script(number)], None, view.tip())))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 6
    assert max(most) == 1


class _NoLock:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def scanned(**changes):
    def scan(node):
        def answer(action, descriptors, first, last):
            full = node._scan(action, descriptors, first, last)
            return {**full, **changes}

        return answer

    return scan


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"completed": False}, "aborted"),
        ({"completed": None}, "aborted"),
        ({"from_height": 1}, "other heights"),
        ({"to_height": 11}, "other heights"),
        ({"relevant_blocks": None}, "no list"),
        ({"relevant_blocks": [5]}, "no block hash"),
        ({"relevant_blocks": ["AB" * 32]}, "no block hash"),
        ({"relevant_blocks": ["ab" * 31]}, "no block hash"),
    ],
)
def test_a_malformed_scan_is_refused(node, view, changes, words):
    node.special["scanblocks"] = scanned(**changes)(node)
    with pytest.raises(ChainSourceError, match=words):
        view.history([script(5)], None, view.tip())


def test_a_scan_that_names_a_block_beyond_the_last_is_refused(node, view):
    beyond = node.chain.blocks[11].hash
    until = view.block_at(Height(9))
    trial = node.chain.blocks[9].hash
    node.special["scanblocks"] = scanned(relevant_blocks=[trial, beyond])(node)
    with pytest.raises(ChainSourceError, match="is beyond 9"):
        view.history([script(5)], None, until)


@pytest.mark.parametrize("answer", [None, [], "done", 5])
def test_a_scan_that_is_no_object_is_refused(node, view, answer):
    node.special["scanblocks"] = lambda *_: answer
    with pytest.raises(ChainSourceError, match="no object"):
        view.history([script(5)], None, view.tip())


# Reorganisations


def test_a_reorganisation_during_the_scan_is_refused(node, view):
    tip = view.tip()

    def reorganise(method, params):
        if method == "scanblocks" and params[2] == 0:
            node.before = None
            node.chain.reorganise(Height(10), [[], [], []])

    node.before = reorganise
    with pytest.raises(BlockNotInBestChain) as refused:
        view.history([script(5)], None, tip)
    assert refused.value.block == str(tip)


def test_a_reorganisation_between_the_scan_and_the_check_is_refused(node, view):
    tip = view.tip()
    seen = []

    def reorganise(method, params):
        seen.append(method)
        if method == "getindexinfo" and seen.count("getindexinfo") == 2:
            node.chain.reorganise(Height(11), [[], []])

    node.before = reorganise
    with pytest.raises(BlockNotInBestChain) as refused:
        view.history([script(5)], None, tip)
    assert refused.value.block == str(tip)
    assert "getblockheader" not in seen


def test_a_stale_block_named_by_the_scan_is_refused(node, view):
    stale = node.chain.blocks[12].hash
    node.chain.reorganise(Height(11), [[payment(12, (1000, script(12)))], []])
    node.chain.add_block(coinbase=[TxOut(Sats(1), script(0))])
    trial = node.chain.blocks[-1].hash
    node.special["scanblocks"] = scanned(relevant_blocks=[trial, stale])(node)
    with pytest.raises(BlockNotInBestChain) as refused:
        view.history([script(12)], None, view.tip())
    assert stale in refused.value.block


def test_the_recorded_stale_block_is_not_in_the_best_chain(recorded):
    recorded.play("getblockheader-stale")
    stale = BlockHash(transcript("getblockheader-stale")["request"]["params"][0])
    with open_core(recorded.source) as view:
        with pytest.raises(BlockNotInBestChain) as refused:
            view.block_of(stale)
        assert refused.value.block == stale
        with pytest.raises(BlockNotInBestChain):
            view.history(recorded_scripts(), None, BlockRef(Height(170), stale))


def test_the_recorded_unknown_block_is_not_in_the_best_chain(recorded):
    with open_core(recorded.source) as view, pytest.raises(BlockNotInBestChain):
        view.block_of(BlockHash("00" * 32))
    assert recorded.methods()[-1] == "getblockheader"


def test_a_text_that_is_no_hash_is_not_in_the_best_chain_and_not_asked_about(node, view):
    for text in ("", "tip", "AB" * 32, "00" * 32 + "\n"):
        with pytest.raises(BlockNotInBestChain):
            view.block_of(BlockHash(text))
    assert node.asked == []


def test_a_chain_that_grew_between_two_questions_has_the_block(node, view):
    def grow(method, params):
        if method == "getblockchaininfo":
            node.before = None
            node.chain.add_block()

    node.before = grow
    assert view.block_at(Height(13)).height == 13


# Warm-up, logins, pruning


def test_a_node_that_is_starting_up_is_asked_again_after_growing_waits(recorded):
    waits: list[float] = []
    recorded.play_next("warm-up")
    recorded.play_next("warm-up")
    recorded.first.append(Raw(503, b"Work queue depth exceeded"))
    with open_core(recorded.source, sleep=waits.append) as view:
        assert view.tip() == recorded.chain.tip()
    assert waits == [1.0, 2.0, 4.0]


def test_patience_with_a_node_that_is_starting_up_ends_with_its_own_words(recorded):
    waits: list[float] = []
    for _ in range(20):
        recorded.play_next("warm-up")
    with (
        open_core(recorded.source, sleep=waits.append) as view,
        pytest.raises(NodeStartingUp, match=r"after 60 seconds .*Loading banlist"),
    ):
        view.tip()
    assert sum(waits) == 60


def test_a_batch_during_warm_up_is_asked_again(node):
    waits: list[float] = []
    with open_core(node.source, sleep=waits.append) as view:
        tip = view.tip()
        node.special["getblockhash"] = lambda height: warm_once(node, height)
        assert len(view.headers(Height(0), tip)) == 13
    assert waits == [1.0]


def warm_once(node: CoreNode, height: int):
    if height == 3:
        del node.special["getblockhash"]
        raise Fault(-28, "Verifying blocks…")
    return NotImplemented


def test_a_wrong_password_is_named_without_being_repeated(node):
    recorded = transcript("unauthorized")
    assert (recorded["http_status"], recorded["response_text"]) == (401, "")
    source = node.source.replace(PASSWORD, "wrong-pa55word")
    with open_core(source) as view, pytest.raises(NodeRefusesLogin) as refused:
        view.tip()
    assert "does not accept this user and password" in str(refused.value)
    assert_without_credentials(refused.value, "wrong-pa55word", USER + ":")


def assert_without_credentials(error: BaseException, *secrets: str) -> None:
    shown = "".join(traceback.format_exception(error)) + repr(error)
    for line in shown.splitlines():
        # The traceback's source lines are ours and hold no values.
        for secret in secrets:
            assert secret not in line, line


def test_no_error_and_no_repr_shows_the_password(node):
    place = core_place(node.source)
    view = open_core(node.source)
    for shown in (repr(place), repr(view), repr(view._rpc), str(view.basis)):
        assert PASSWORD not in shown
        assert USER not in shown
    node.special["getblockchaininfo"] = lambda: Raw(200, b"<html>")
    with pytest.raises(ChainSourceError) as refused:
        view.tip()
    assert_without_credentials(refused.value, PASSWORD, USER + ":")
    view.close()


def test_a_node_that_is_not_there_is_named_without_the_password(node):
    with serve(CoreNode(small_chain(1))) as gone:
        source = gone.source
    with open_core(source) as view, pytest.raises(ChainSourceError, match="server=1") as refused:
        view.tip()
    assert_without_credentials(refused.value, PASSWORD, USER + ":")


def test_a_cookie_file_logs_in_and_is_read_again_after_a_restart(node, tmp_path):
    file = tmp_path / "cookie"
    file.write_text("__cookie__:first")
    node.login = "__cookie__:first"
    with open_core(f"{node.url}?cookie={file}") as view:
        assert view.tip().height == 12
        node.login = "__cookie__:second"
        file.write_text("__cookie__:second\n")
        assert view.tip().height == 12
        node.login = "__cookie__:third"
        with pytest.raises(NodeRefusesLogin, match="cookie in") as refused:
            view.tip()
        assert_without_credentials(refused.value, "second", "third")
        file.unlink()
        with pytest.raises(BadCoreSource, match="is it running"):
            view.tip()


def test_a_pruned_block_is_named_with_what_to_do(node, view):
    def pruned(*_):
        raise Fault(-1, "Block not available (pruned data)")

    node.special["getblock"] = pruned
    with pytest.raises(BlockPruned, match="prune=0"):
        view.transaction(NULL_TXID, view.tip())


def test_another_error_of_the_node_keeps_its_number_and_words(node, view):
    def failing(*_):
        raise Fault(-20, "Database error")

    node.special["getblock"] = failing
    with pytest.raises(NodeError, match="error -20, Database error") as refused:
        view.transaction(NULL_TXID, view.tip())
    assert (refused.value.number, refused.value.source) == (-20, node.url)


def test_a_node_of_an_unknown_network_is_refused(node, view):
    node.special["getblockhash"] = lambda height: "ab" * 32
    with pytest.raises(ChainSourceError, match="no network known"):
        _ = view.network


def test_a_node_too_old_to_scan_is_named(node, view):
    def unknown(*_):
        raise Fault(-32601, "Method not found")

    node.special["scanblocks"] = unknown
    with pytest.raises(ChainSourceError, match="older than Bitcoin Core 25"):
        view.history([script(5)], None, view.tip())


# Answers that are none


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"", "HTTP 200 without JSON"),
        (200, b"<html>hello</html>", "without JSON"),
        (404, b"not found", "HTTP 404 without JSON"),
        (403, b"", "rpcallowip"),
        (200, b"[]", "no JSON-RPC object"),
        (200, b"[" * 100_000, "without JSON"),
        (200, b"7", "no JSON-RPC object"),
        (200, b'{"id":"khazana"}', "neither a result"),
        (200, b'{"result":{},"error":null,"id":"other"}', "another question"),
        (200, b'{"result":{},"error":null}', "another question"),
        (500, b'{"result":null,"error":"bad","id":"khazana"}', "without code and message"),
        (500, b'{"result":null,"error":{"code":"1","message":"x"},"id":"khazana"}', "without code"),
        (
            500,
            b'{"result":null,"error":{"code":true,"message":"x"},"id":"khazana"}',
            "without code",
        ),
        (200, b'{"result":null,"error":null,"id":"khazana"}', "no object"),
        (200, b'{"result":{"blocks":12},"error":null,"id":"khazana"}', "no block hash"),
        (302, b"", "without JSON"),
    ],
)
def test_what_is_no_answer_is_refused(node, view, status, body, words):
    node.first.append(Raw(status, body))
    with pytest.raises(ChainSourceError, match=words) as refused:
        view.tip()
    assert refused.value.source == node.url
    assert refused.value.asked == "getblockchaininfo"


@pytest.mark.parametrize(
    "info",
    [
        {"blocks": "12", "bestblockhash": "00" * 32},
        {"blocks": -1, "bestblockhash": "00" * 32},
        {"blocks": True, "bestblockhash": "00" * 32},
        {"blocks": 12.0, "bestblockhash": "00" * 32},
        {"blocks": 12, "bestblockhash": None},
        {"blocks": 12, "bestblockhash": "zz" * 32},
    ],
)
def test_a_tip_of_wrong_types_is_refused(node, view, info):
    node.special["getblockchaininfo"] = lambda: info
    with pytest.raises(ChainSourceError, match="getblockchaininfo"):
        view.tip()


def test_an_answer_beyond_the_bound_is_not_read_to_the_end(node, view, monkeypatch):
    monkeypatch.setattr(core_http, "MAX_ANSWER", 1000)
    with pytest.raises(ChainSourceError, match="larger than"):
        view._rpc.call("getblock", node.chain.blocks[1].hash, 0, max_answer=100)


def other_block(node):
    return node.chain.blocks[4].serialize().hex()


def tampered_block(node):
    raw = bytearray(node.chain.blocks[5].serialize())
    raw[-20] ^= 1
    return bytes(raw).hex()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda node: None, "no bytes in hex"),
        (lambda node: {"hex": "00"}, "no bytes in hex"),
        (lambda node: "0", "no bytes in hex"),
        (lambda node: "zz", "no bytes in hex"),
        (lambda node: "00 00", "no bytes in hex"),
        (lambda node: "", "it is no block"),
        (lambda node: node.chain.blocks[5].serialize().hex()[:-2], "it is no block"),
        (lambda node: node.chain.blocks[5].serialize().hex() + "00", "it is no block"),
        (other_block, "the bytes are those of block"),
        (tampered_block, "not those that the header commits to"),
    ],
)
def test_wrong_block_bytes_are_refused(node, view, answer, words):
    block = view.block_at(Height(5))
    node.special["getblock"] = lambda *_: answer(node)
    with pytest.raises(ChainSourceError, match=words):
        view.transaction(NULL_TXID, block)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda node: None, "no bytes in hex"),
        (lambda node: "00" * 79, "79 bytes instead of 80"),
        (lambda node: "00" * 81, "81 bytes instead of 80"),
        (lambda node: "00" * 80, "the bytes are those of block"),
    ],
)
def test_wrong_header_bytes_are_refused(node, view, answer, words):
    tip = view.tip()
    node.special["getblockheader"] = lambda *_: answer(node)
    with pytest.raises(ChainSourceError, match=words):
        view.headers(Height(0), tip)


def test_headers_that_do_not_stand_on_one_another_are_refused(node, view):
    tip = view.tip()
    elsewhere = small_chain(3)
    elsewhere.reorganise(Height(1), [[], [], []])
    node.chain.stale += elsewhere.blocks[2:3]
    node.special["getblockhash"] = lambda height: (
        elsewhere.blocks[2].hash if height == 2 else NotImplemented
    )
    with pytest.raises(ChainSourceError, match="do not stand on one another"):
        view.headers(Height(0), tip)


def test_headers_that_end_in_another_block_are_refused(node, view):
    tip = view.tip()
    stale = small_chain()
    stale.reorganise(Height(11), [[payment(99, (1, script(99)))], []])
    node.chain.stale.append(stale.blocks[12])
    honest = [tip.hash]

    def hash_at(height):
        # The first question about the tip is answered honestly, and so is the last.
        if height != tip.height or honest:
            if height == tip.height:
                honest.pop()
            return NotImplemented
        honest.append(tip.hash)
        return stale.blocks[12].hash

    node.special["getblockhash"] = hash_at
    with pytest.raises(ChainSourceError, match="do not stand on one another"):
        view.headers(Height(0), tip)


@pytest.mark.parametrize(
    "changes",
    [
        {"confirmations": "4"},
        {"confirmations": None},
        {"height": "5"},
        {"height": -5},
        {"height": None},
        {"hash": "00" * 32},
    ],
)
def test_a_header_of_wrong_types_is_refused(node, view, changes):
    block = view.block_at(Height(5))
    node.special["getblockheader"] = lambda h, v: {**node._described(5), **changes}
    with pytest.raises(ChainSourceError, match="getblockheader"):
        view.block_of(block.hash)


def test_a_header_with_a_height_that_is_not_its_own_is_not_believed(node, view):
    block = view.block_at(Height(5))
    node.special["getblockheader"] = lambda h, v: {**node._described(5), "height": 6}
    with pytest.raises(BlockNotInBestChain):
        view.block_of(block.hash)


def in_batch(change):
    """A server that answers a batch with something else than the answers."""

    def answer(node):
        honest = node.answer

        def changed(body, authorization):
            answer = honest(body, authorization)
            found = json.loads(answer.body) if answer.body else None
            if isinstance(found, list):
                return Raw(answer.status, json.dumps(change(found)).encode())
            return answer

        node.answer = changed

    return answer


@pytest.mark.parametrize(
    "change",
    [
        lambda answers: answers[:-1],
        lambda answers: [*answers, answers[0]],
        lambda answers: [answers[0], *answers[:-1]],
        lambda answers: [*answers[:-1], None],
        lambda answers: [*answers[:-1], {**answers[-1], "id": [1]}],
        lambda answers: {"result": [], "error": None, "id": None},
        lambda answers: "no",
    ],
)
def test_a_batch_that_does_not_fit_its_questions_is_refused(node, view, change):
    tip = view.tip()
    in_batch(change)(node)
    with pytest.raises(ChainSourceError):
        view.headers(Height(0), tip)


def test_the_answers_of_a_batch_may_come_in_any_order(node, view):
    tip = view.tip()
    in_batch(lambda answers: answers[::-1])(node)
    assert view.headers(Height(0), tip) == node.chain.headers(Height(0), tip)


def test_an_error_for_a_whole_batch_is_the_nodes(node, view):
    tip = view.tip()
    in_batch(
        lambda _: {"result": None, "error": {"code": -32700, "message": "Parse error"}, "id": None}
    )(node)
    with pytest.raises(NodeError, match="Parse error"):
        view.headers(Height(0), tip)


def test_a_connection_that_breaks_is_opened_once_more(node, view):
    view.tip()
    breaks = [1]

    def broken(body, authorization):
        if breaks:
            breaks.pop()
            raise ConnectionAbortedError
        return CoreNode.answer(node, body, authorization)

    node.answer = broken
    assert view.tip() == node.chain.tip()
    breaks[:] = [1, 1]
    with pytest.raises(ChainSourceError, match="the connection broke"):
        view.tip()


def test_heights_that_do_not_exist_are_beyond_the_tip(node, view):
    for height in (13, 2**31 - 1, 2**31, 2**70):
        with pytest.raises(HeightBeyondTip) as refused:
            view.block_at(Height(height))
        assert refused.value.tip == node.chain.tip()


def test_the_recorded_height_out_of_range_is_beyond_the_tip(recorded):
    recorded.play("getblockhash-out-of-range")
    with open_core(recorded.source) as view, pytest.raises(HeightBeyondTip, match="1170"):
        view.block_at(Height(1170))
    assert recorded.played == []


def test_the_recorded_raw_block_is_read(recorded):
    recorded.play("getblock-verbosity-0", "getblockheader")
    block_hash = BlockHash(transcript("getblock-verbosity-0")["request"]["params"][0])
    with open_core(recorded.source) as view:
        ref = view.block_of(block_hash)
        assert ref.height == 167
        listed = recorded_result("getblock-verbosity-1")["tx"]
        for position, txid in enumerate(listed):
            assert view.transaction(txid, ref).position == position
        with pytest.raises(TransactionNotInBlock):
            view.transaction(Txid("00" * 32), ref)
    assert recorded.played == []


def test_amounts_come_from_the_blocks_and_agree_with_the_nodes_own_set_of_coins(recorded):
    """scantxoutset was recorded at height 170, on the branch that was replaced afterwards."""
    with open_core(recorded.source) as view:
        block = view.block_at(Height(169))
        ours = {str(c.outpoint): c.amount for c in view.coins_at(recorded_scripts(), block)}
    theirs = recorded_result("scantxoutset")["unspents"]
    before = {f"{u['txid']}:{u['vout']}": u for u in theirs if u["height"] <= 169}
    assert before
    for outpoint, unspent in before.items():
        assert ours[outpoint] == round(unspent["amount"] * 100_000_000)
