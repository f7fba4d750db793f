"""What people write after --chain."""

import random

import pytest

from khazana.bitcoin.adapters.core_rpc import CoreView
from khazana.bitcoin.adapters.esplora import EsploraChain
from khazana.bitcoin.adapters.source import KINDS, UnknownChainSource, open_chain
from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.chain import ChainSourceError
from khazana.errors import KhazanaError
from tests.bitcoin.chainviews import no_sleep
from tests.bitcoin.core_server import CoreNode, serve
from tests.bitcoin.esplora_server import EsploraServer
from tests.bitcoin.stories import OURS, story


def test_esplora_and_core_open_the_same_chain():
    chain = story().chain
    with EsploraServer(chain).running() as url, serve(CoreNode(chain)) as node:
        somebody = open_chain(f"esplora:{url}/", jitter=random.Random(1), sleep=no_sleep)
        own = open_chain(f"core:{node.source}", sleep=no_sleep)
        assert isinstance(somebody, EsploraChain)
        assert isinstance(own, CoreView)
        tip = somebody.tip()
        assert tip == own.tip()
        assert list(somebody.history([OURS], None, tip)) == list(own.history([OURS], None, tip))
        assert str(somebody.basis) == f"word of {url}"
        assert "own index" in str(own.basis)
        somebody.close()
        own.close()


@pytest.mark.parametrize(
    "source",
    ["", "esplora", "esplora:", "core: ", "electrum:http://ana:s3cret@host", "C:\\bitcoin"],
)
def test_unknown_words_are_refused_with_what_is_known(source):
    with pytest.raises(UnknownChainSource) as refused:
        open_chain(source)
    for kind in KINDS:
        assert kind in str(refused.value)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "place",
    [
        "ana:s3cret@host",
        "ftp://ana:s3cret@host/",
        "http://",
        "http://ana:s3cret@host:port/",
        "http://ana:s3cret@host/?key=1",
        "http://ana:s3cret@host/#top",
        "http://ana:s3cret@[::1/",
    ],
)
@pytest.mark.parametrize("kind", ["esplora", "core"])
def test_an_address_that_is_none_is_refused_without_repeating_its_password(kind, place):
    with pytest.raises(KhazanaError) as refused:
        open_chain(f"{kind}:{place}", sleep=no_sleep)
    assert "s3cret" not in str(refused.value) + repr(refused.value)


@pytest.mark.parametrize("kind", ["core", "blocks"])
def test_a_directory_that_is_not_there_is_named(kind, tmp_path):
    with pytest.raises(KhazanaError) as refused:
        open_chain(f"{kind}:{tmp_path / 'nowhere'}").tip()
    assert "nowhere" in str(refused.value)


def test_a_web_address_shows_no_login():
    address = WebAddress.parse("https://ana:s3cret@host.example:8080/api/")
    assert address.url == "https://host.example:8080/api"
    assert address.login == ("ana", "s3cret")
    assert "s3cret" not in repr(address)
    assert not address.is_this_machine
    assert WebAddress.parse("http://127.0.0.1:3002").is_this_machine
    with pytest.raises(ChainSourceError):
        WebAddress.parse("3002")
