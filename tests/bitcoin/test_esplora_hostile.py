"""An Esplora server that lies, stumbles or talks nonsense is refused, with the question named."""

import json
import random
import re
from contextlib import contextmanager

import pytest

from khazana.bitcoin.adapters.esplora import EsploraChain
from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.chain import ChainSourceError
from tests.bitcoin.esplora_server import EsploraServer
from tests.bitcoin.loopback import Reply
from tests.bitcoin.stories import ALSO_OURS, FOREIGN, OURS, UNUSED, pay, story


@contextmanager
def asked(instead, *, login=""):
    """The story behind a server that answers some questions in its own way, and a view of it."""
    told = story()
    server = EsploraServer(told.chain, instead=instead)
    pauses: list[float] = []
    with server.running() as url:
        address = WebAddress.parse(url.replace("http://", f"http://{login}"))
        with EsploraChain(address, jitter=random.Random(3), sleep=pauses.append) as view:
            yield told, view, server, pauses


def on(pattern, change):
    """Change the honest answer to every question that matches."""

    def instead(path, honest):
        return change(path, honest) if re.fullmatch(pattern, path) else None

    return instead


def altered(change):
    """Change the JSON of an honest answer."""

    def alter(_, honest):
        return Reply(200, json.dumps(change(json.loads(honest.body))).encode())

    return alter


def listed(change):
    """Change each transaction that is listed or given; raw bytes say the same falsehood."""

    def alter(path, honest):
        if path.endswith("/raw"):
            return Reply(200, STRANGER.serialize())
        if "/tx/" in path:
            return honest
        return Reply(200, json.dumps([change(t) for t in json.loads(honest.body)]).encode())

    return alter


def refused(instead, ask):
    with asked(instead) as (told, view, server, _):
        with pytest.raises(ChainSourceError) as error:
            ask(told, view)
        assert error.value.source.startswith("http://127.0.0.1:")
        assert error.value.asked.startswith("GET /")
        # Bounded: a liar is not asked for ever.
        assert len(server.asked) < 1_000
        return str(error.value)


def history(told, view):
    return view.history([OURS, ALSO_OURS], None, told.chain.tip())


STRANGER = pay([story().receipt.outpoint(1)], (FOREIGN, 1))

LIES = {
    "other lock times": on("/(scripthash|tx)/.*", listed(lambda t: t | {"locktime": 7})),
    "other amounts": on(
        "/(scripthash|tx)/.*",
        listed(lambda t: t | {"vout": [o | {"value": o["value"] + 1} for o in t["vout"]]}),
    ),
    "outputs left out": on("/(scripthash|tx)/.*", listed(lambda t: t | {"vout": t["vout"][:1]})),
    "another id": on("/scripthash/.*", listed(lambda t: t | {"txid": STRANGER.txid})),
    "no id": on("/scripthash/.*", listed(lambda t: t | {"txid": None})),
    "a branch of other hashes": on(
        "/tx/.*/merkle-proof", altered(lambda p: p | {"merkle": ["00" * 32 for _ in p["merkle"]]})
    ),
    "a branch too short": on("/tx/.*/merkle-proof", altered(lambda p: p | {"merkle": []})),
    "another place": on("/tx/.*/merkle-proof", altered(lambda p: p | {"pos": p["pos"] ^ 1})),
    "another height": on(
        "/tx/.*/merkle-proof", altered(lambda p: p | {"block_height": p["block_height"] + 1})
    ),
    "a place that is a word": on("/tx/.*/merkle-proof", altered(lambda p: p | {"pos": "one"})),
    "a place that is true": on("/tx/.*/merkle-proof", altered(lambda p: p | {"pos": True})),
    "a block without its last transaction": on("/block/.*/txids", altered(lambda t: t[:-1])),
    "a block with its transactions swapped": on("/block/.*/txids", altered(lambda t: t[::-1])),
    "a block of words": on("/block/.*/txids", altered(lambda _: ["x", 1])),
    "an object for a list": on("/scripthash/.*", lambda *_: Reply(200, b"{}")),
    "no JSON": on("/scripthash/.*", lambda *_: Reply(200, b"<html>welcome</html>")),
    "bytes that are no text": on("/scripthash/.*", lambda *_: Reply(200, b"\xff\xfe[]")),
    "JSON without end": on("/scripthash/.*", lambda *_: Reply(200, b"[" * 200_000)),
    "a status without a block": on(
        "/scripthash/.*", altered(lambda p: [t | {"status": {"confirmed": True}} for t in p])
    ),
    "a height as a word": on(
        "/scripthash/.*",
        altered(lambda p: [t | {"status": t["status"] | {"block_height": "3"}} for t in p]),
    ),
    "a page that never ends": on(
        "/scripthash/.*/txs/chain/.*", lambda *_: Reply(200, b"[" + b" " * 70_000_000 + b"]")
    ),
    "a redirect": on(
        "/scripthash/.*", lambda *_: Reply(302, b"", {"Location": "http://127.0.0.1:1/"})
    ),
    "a refusal": on("/scripthash/.*", lambda *_: Reply(403, b"go away")),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_a_history_is_refused(lie):
    refused(LIES[lie], history)


def test_a_list_that_repeats_itself_is_not_followed_for_ever():
    with asked(None) as (told, view, server, _):
        pages: dict[str, bytes] = {}

        def instead(path, honest):
            script = path.split("/")[2] if path.startswith("/scripthash/") else None
            if script is None:
                return None
            return Reply(200, pages.setdefault(script, honest.body))

        server.instead = instead
        with pytest.raises(ChainSourceError) as error:
            history(told, view)
        assert "/scripthash/" in str(error.value)
        assert len(server.asked) < 200


def test_a_transaction_that_has_nothing_to_do_with_the_script_is_refused():
    told = story()
    page = EsploraServer(told.chain)
    coinbase = told.chain.blocks[1].transactions[0]

    def lie(path, _):
        listed = [] if "/chain/" in path else [page.transaction_fields(coinbase, 1)]
        return Reply(200, json.dumps(listed).encode())

    words = refused(
        on("/scripthash/.*", lie), lambda t, v: v.history([UNUSED], None, t.chain.tip())
    )
    assert coinbase.txid in words


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p[1:],
        lambda p: p[::-1],
        lambda p: [b | {"nonce": b["nonce"] + 1} for b in p],
        lambda p: [b | {"bits": "207fffff"} for b in p],
        lambda p: [b | {"height": b["height"] + 1} for b in p],
        lambda p: [{k: v for k, v in b.items() if k != "merkle_root"} for b in p],
    ],
    ids=["one missing", "backwards", "other nonces", "bits in words", "other heights", "no root"],
)
def test_a_lie_about_headers_is_refused(change):
    lie = on("/blocks(/[0-9]+)?", altered(change))
    with asked(lie) as (told, view, _, _), pytest.raises(ChainSourceError):
        view.headers(0, told.chain.tip())


def test_an_unknown_first_block_is_no_network():
    lie = on("/block-height/0", lambda *_: Reply(200, b"ab" * 32))
    with asked(lie) as (_, view, _, _), pytest.raises(ChainSourceError, match="ab" * 32):
        _ = view.network


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_stumbles_is_asked_again_with_growing_pauses(status):
    left = [3]

    def stumble(path, _):
        if not path.startswith("/scripthash/") or not left[0]:
            return None
        left[0] -= 1
        return Reply(status, b"busy")

    with asked(stumble) as (told, view, _, pauses):
        assert list(view.history([ALSO_OURS], None, told.chain.tip())) == told.chain.history(
            [ALSO_OURS], None, told.chain.tip()
        )
        assert len(pauses) == 3
        assert pauses == sorted(pauses)


def test_a_server_that_names_its_pause_is_given_it():
    left = [1]

    def busy(path, _):
        if not path.startswith("/scripthash/") or not left[0]:
            return None
        left[0] -= 1
        return Reply(429, b"slow down", {"Retry-After": "17"})

    with asked(busy) as (told, view, _, pauses):
        view.history([ALSO_OURS], None, told.chain.tip())
        assert pauses == [17]


@pytest.mark.parametrize("reply", [Reply(500, b"on fire"), Reply(body=None)])
def test_a_server_that_stays_broken_is_given_up_and_named(reply):
    words = refused(on("/scripthash/.*", lambda *_: reply), history)
    assert "/scripthash/" in words


def test_the_login_is_sent_and_never_shown():
    with asked(on("/scripthash/.*", lambda *_: Reply(401, b"who?")), login="ana:s3cret@") as (
        told,
        view,
        server,
        _,
    ):
        with pytest.raises(ChainSourceError) as error:
            history(told, view)
        # base64 of ana:s3cret
        assert server.authorizations == {"Basic YW5hOnMzY3JldA=="}
        for text in (str(error.value), repr(error.value), repr(view), str(view.basis)):
            assert "s3cret" not in text
