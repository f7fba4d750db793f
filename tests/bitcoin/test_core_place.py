"""What may stand after `core:`, and that no refusal repeats a password."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.adapters import core_place as places
from khazana.bitcoin.adapters.core_errors import BadCoreSource
from khazana.bitcoin.adapters.core_place import Cookie, Password, core_place
from khazana.bitcoin.adapters.core_rpc import open_core
from tests.bitcoin.core_server import CoreNode, serve
from tests.bitcoin.valid_chain import valid_chain


@pytest.mark.parametrize(
    ("text", "url", "login"),
    [
        ("http://ana:pw@10.0.0.7:8332", "http://10.0.0.7:8332", ("ana", "pw")),
        ("http://ana:pw@10.0.0.7", "http://10.0.0.7:8332", ("ana", "pw")),
        ("https://ana:pw@node.example:443/", "https://node.example:443", ("ana", "pw")),
        ("https://ana:pw@node.example/rpc", "https://node.example:8332/rpc", ("ana", "pw")),
        ("HTTP://ana:pw@node:1", "http://node:1", ("ana", "pw")),
        ("http://ana:p%2Fw%40%3A%25@h:1", "http://h:1", ("ana", "p/w@:%")),
        ("http://ana:a:b@h:1", "http://h:1", ("ana", "a:b")),
        ("http://ana:pw@[::1]:18443", "http://[::1]:18443", ("ana", "pw")),
    ],
)
def test_a_url_with_a_password_gives_an_address_without_it(text, url, login):
    place = core_place(text)
    assert (place.url, place.network) == (url, None)
    assert isinstance(place.credentials, Password)
    assert place.credentials.login() == login
    assert login[1] not in repr(place) or login[1] in url


def test_a_url_with_a_cookie_file_reads_it_when_asked(tmp_path):
    file = tmp_path / "a@b" / ".cookie"
    place = core_place(f"http://127.0.0.1:18443?cookie={file}")
    assert (place.url, place.credentials) == ("http://127.0.0.1:18443", Cookie(file))
    file.parent.mkdir()
    file.write_text("__cookie__:0a:1b\n")
    assert place.credentials.login() == ("__cookie__", "0a:1b")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "http://",
        "http://:8332",
        "http://host:8332",
        "http://ana@host:8332",
        "http://ana:@host:8332",
        "http://:pw@host:8332",
        "http://ana:hunter2@host:port",
        "http://ana:hunter2@host:99999",
        "http://ana:hun/ter2@host:8332",
        "http://ana:hun?ter2@host:8332",
        "http://ana:hun#ter2@host:8332",
        "http://ana:hunter2@ho@st:8332",
        "http://ana:hunter2@host:8332#hunter2",
        "http://ana:hunter2@host:8332?wallet=hunter2",
        "http://ana:hunter2@host:8332?cookie=/tmp/x",
        "http://host:8332?cookie=",
        "http://host:8332?cookie=/a&cookie=/b",
        "http://host:8332?cookie",
        "http://[::1:8332",
        "ftp://ana:hunter2@host:8332",
        "ws://ana:hunter2@host:8332",
    ],
)
def test_what_names_no_node_is_refused_without_being_repeated(text):
    with pytest.raises(BadCoreSource, match="core:DATADIR") as refused:
        core_place(text)
    shown = "".join(traceback.format_exception_only(refused.value)) + repr(refused.value.facts())
    for secret in ("hunter2", "hun", "ter2", "99999"):
        assert secret not in shown


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6))
def test_no_password_however_written_is_repeated_in_a_refusal(secret):
    text = f"http://ana:Q~{secret}@node.example:8332"
    try:
        shown = repr(core_place(text))
    except BadCoreSource as refused:
        shown = f"{refused} {refused.facts()}"
    else:
        assert core_place(text).url == "http://node.example:8332"
    assert f"Q~{secret[:3]}" not in shown


def cookie_in(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".cookie").write_text("__cookie__:00ff")


@pytest.mark.parametrize(
    ("where", "asked", "network", "port"),
    [
        (".", ".", "mainnet", 8332),
        ("testnet3", ".", "testnet3", 18332),
        ("testnet4", ".", "testnet4", 48332),
        ("signet", ".", "signet", 38332),
        ("regtest", ".", "regtest", 18443),
        ("regtest", "regtest", "regtest", 18443),
        ("signet", "signet", "signet", 38332),
    ],
)
def test_a_data_directory_tells_network_port_and_cookie(tmp_path, where, asked, network, port):
    cookie_in(tmp_path / where)
    place = core_place(str(tmp_path / asked))
    assert place.url == f"http://127.0.0.1:{port}"
    assert place.network == network
    assert place.credentials.login() == ("__cookie__", "00ff")


def test_a_home_directory_may_be_written_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    cookie_in(tmp_path / ".bitcoin")
    assert core_place("~/.bitcoin").credentials == Cookie(tmp_path / ".bitcoin" / ".cookie")


def test_a_directory_without_a_running_node_is_refused(tmp_path):
    with pytest.raises(BadCoreSource, match="there is no directory"):
        core_place(str(tmp_path / "absent"))
    with pytest.raises(BadCoreSource, match=r"no file \.cookie .* server=1"):
        core_place(str(tmp_path))


def test_a_directory_with_several_running_nodes_asks_which(tmp_path):
    cookie_in(tmp_path)
    cookie_in(tmp_path / "regtest")
    with pytest.raises(BadCoreSource, match=r"several networks \(mainnet, regtest\)"):
        core_place(str(tmp_path))
    assert core_place(str(tmp_path / "regtest")).network == "regtest"


@pytest.mark.parametrize("content", [b"", b"secret", b":secret", b"user:", b"u:" + b"x" * 5000])
def test_a_file_that_is_no_cookie_is_refused_without_its_content(tmp_path, content):
    file = tmp_path / ".cookie"
    file.write_bytes(content)
    with pytest.raises(BadCoreSource, match="is not a node's cookie") as refused:
        Cookie(file).login()
    assert "secret" not in str(refused.value)
    assert "xxx" not in str(refused.value)


def test_a_node_is_found_by_its_data_directory(tmp_path, monkeypatch):
    with serve(CoreNode(valid_chain(), login="__cookie__:00ff")) as node:
        monkeypatch.setitem(places.PORTS, "regtest", int(node.url.rpartition(":")[2]))
        cookie_in(tmp_path / "regtest")
        with open_core(str(tmp_path)) as view:
            assert view.network.name == "regtest"
            assert view.tip() == node.chain.tip()


def test_a_directory_of_one_network_and_a_node_of_another_are_refused(tmp_path, monkeypatch):
    with serve(CoreNode(valid_chain(), login="__cookie__:00ff")) as node:
        monkeypatch.setitem(places.PORTS, "signet", int(node.url.rpartition(":")[2]))
        cookie_in(tmp_path / "signet")
        mixed_up = pytest.raises(BadCoreSource, match=r"that of signet, and .* a node of regtest")
        with open_core(str(tmp_path)) as view, mixed_up:
            _ = view.network


def test_opening_asks_the_node_nothing():
    with serve(CoreNode(valid_chain())) as node:
        open_core(node.source).close()
        assert node.asked == []
