"""A feed from a web server that is slow, rude, enormous, or sends us somewhere else."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from khazana.accord.feed.errors import FileTooLarge
from khazana.cli.feed_addresses import addresses_of, is_public
from khazana.cli.feed_source import (
    FeedAddressRefused,
    FeedUnavailable,
    Manners,
    WebFeed,
    folder_feed,
)
from tests.cli.accord_desk import two_desks


class Server(ThreadingHTTPServer):
    """Answers from a script: path -> list of (status, headers, body), the last one for ever."""

    def __init__(self, answers) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked: list[tuple[str, dict[str, str]]] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Server = self.server  # type: ignore[assignment]
        server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        script = server.answers.get(self.path, [(404, {}, b"")])
        status, headers, body = script.pop(0) if len(script) > 1 else script[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", headers.get("x-length", str(len(body))))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/feed"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def feed_at(address, clock=None, **more):
    clock = clock or Clock()
    return WebFeed(address, sleep=clock.sleep, clock=lambda: clock.now, **{"private": True, **more})


def test_a_file_comes_and_a_missing_one_is_none():
    server = Server({"/feed/checkpoint": [(200, {}, b"abc")]})
    with serving(server) as address:
        feed = feed_at(address)
        assert feed.get("checkpoint", most=3) == b"abc"
        assert feed.get("tile/0/000", most=3) is None
        feed.close()
    _, headers = server.asked[0]
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("khazana/")
    assert headers["host"].startswith("127.0.0.1:")


def test_what_is_larger_than_asked_for_is_not_read_to_the_end():
    server = Server({"/feed/x": [(200, {}, bytes(1 << 20))]})
    with serving(server) as address:
        feed = feed_at(address)
        with pytest.raises(FileTooLarge, match="larger than 1000 bytes"):
            feed.get("x", most=1000)
        feed.close()


def test_an_unchanged_checkpoint_is_not_sent_again():
    first = (200, {"etag": '"one"'}, b"old")
    server = Server({"/feed/checkpoint": [first, (304, {}, b""), (200, {}, b"new")]})
    with serving(server) as address:
        feed = feed_at(address, kept=lambda path: b"old")
        assert [feed.get("checkpoint", most=9) for _ in range(3)] == [b"old", b"old", b"new"]
        assert feed.tags == {}
        feed.close()
    assert [headers.get("if-none-match") for _, headers in server.asked] == [None, '"one"', '"one"']


def test_a_busy_server_is_left_alone_for_as_long_as_it_says():
    busy, clock = (503, {"retry-after": "7"}, b""), Clock()
    server = Server({"/feed/x": [busy, (429, {}, b""), (500, {"retry-after": "9999"}, b""),
                                 (200, {}, b"at last")]})  # fmt: skip
    with serving(server) as address:
        feed = feed_at(address, clock)
        assert feed.get("x", most=99) == b"at last"
        assert clock.slept == [7.0, 2.0, 120.0]
        feed.get("x", most=99)
        feed.get("x", most=99)
        assert clock.slept[3:] == [0.02] * 2 or clock.slept[3:] == [0.02] * 3
        feed.close()


def test_a_server_that_stays_busy_or_refuses_is_given_up():
    server = Server({"/feed/x": [(503, {}, b"")], "/feed/y": [(403, {}, b"")]})
    clock = Clock()
    with serving(server) as address:
        feed = feed_at(address, clock)
        with pytest.raises(FeedUnavailable, match="status 503"):
            feed.get("x", most=9)
        assert len(server.asked) == 5
        assert clock.slept[:4] == [1.0, 2.0, 4.0, 8.0] or sum(clock.slept) >= 15
        with pytest.raises(FeedUnavailable, match="status 403"):
            feed.get("y", most=9)
        assert len(server.asked) == 6
        feed.close()


def test_a_pull_ends_after_its_time():
    server, clock = Server({"/feed/x": [(200, {}, b"x")]}), Clock()
    with serving(server) as address:
        feed = feed_at(address, clock, manners=Manners(whole=10))
        feed.get("x", most=9)
        clock.now += 11
        with pytest.raises(FeedUnavailable, match="longer than 10 s"):
            feed.get("x", most=9)
        feed.close()


def test_a_server_that_is_not_there_is_named():
    feed = feed_at("http://127.0.0.1:1/feed", manners=Manners(tries=2))
    with pytest.raises(FeedUnavailable, match=r"127\.0\.0\.1:1/feed/x: no answer"):
        feed.get("x", most=9)


NAMES = {
    "2130706433": ["127.0.0.1"],
    "inner.example": ["10.1.2.3"],
    "both.example": ["93.184.216.34", "fd00::1"],
}


def look_up(host, port):
    """Names of this test only; addresses as they are."""
    if host in NAMES or host.endswith(".example"):
        if host not in NAMES:
            raise OSError("no such host")
        return NAMES[host]
    return addresses_of(host, port)


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("file:///etc/passwd", "no web address"),
        ("gopher://example.org/", "no web address"),
        ("http://169.254.169.254/latest/meta-data", "inner network"),
        ("http://[::1]/", "inner network"),
        ("http://10.0.0.1/", "inner network"),
        ("http://2130706433/", "inner network"),
        ("http://inner.example/", "inner network"),
        ("http://both.example/", "inner network"),
        ("http://nowhere.example/", "not found"),
        ("//0.0.0.0/", "inner network"),
        ("http://[64:ff9b::a9fe:a9fe]/", "inner network"),
        ("http://[2002:7f00:1::]/", "inner network"),
        ("http://[", "no address"),
        ("http://[::1", "no address|not found|127"),
    ],
)
def test_a_redirect_to_a_place_within_is_not_followed(location, problem, monkeypatch):
    server = Server({"/feed/x": [(302, {"location": location}, b"")]})
    with serving(server) as address:
        feed = feed_at(address, look_up=look_up)
        ask = feed._ask

        def first_public(url, conditions, most):
            # The first address is this machine's because no test leaves it; then rules hold.
            feed.private = url.startswith(address)
            return ask(url, conditions, most)

        monkeypatch.setattr(feed, "_ask", first_public)
        with pytest.raises((FeedAddressRefused, FeedUnavailable), match=problem):
            feed.get("x", most=9)
        feed.close()


def test_redirects_among_allowed_places_are_followed_a_few_times():
    server = Server({})
    with serving(server) as address:
        server.answers.update(
            {
                "/feed/x": [(301, {"location": "/elsewhere"}, b"")],
                "/elsewhere": [(200, {}, b"here")],
                "/feed/round": [(302, {"location": "/feed/round"}, b"")],
            }
        )
        feed = feed_at(address)
        assert feed.get("x", most=9) == b"here"
        with pytest.raises(FeedUnavailable, match="more than 3 redirects"):
            feed.get("round", most=9)
        feed.close()


@pytest.mark.parametrize("address", ["http://127.0.0.1/feed", "http://localhost:1/x"])
def test_this_machine_is_asked_only_when_that_is_said(address):
    with pytest.raises(FeedAddressRefused, match="--private allows it"):
        feed_at(address, private=False).get("x", most=9)


@pytest.mark.parametrize(
    "address", ["http://", "http://a@b/", "http://h/?q", "https:///x", "http://["]
)
def test_an_odd_address_is_refused(address):
    with pytest.raises(FeedAddressRefused, match=r"http|Invalid"):
        WebFeed(address)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FeedUnavailable, match="no such folder"):
        folder_feed(str(tmp_path / "nowhere"))


def test_a_whole_feed_is_pulled_from_a_plain_web_server(tmp_path, capsys):
    drill, partner, _ = two_desks(tmp_path)
    assert drill.publish("--new", drill.commitments(1, 300)) == 0
    asked = []

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *args) -> None:
            super().__init__(*args, directory=str(drill.root))

        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Files)) as address:
        assert partner.pull(drill, source=address) == 2
        assert "--private" in capsys.readouterr().err
        assert partner.pull(drill, "--private", source=address) == 0
        assert partner.copied(drill) == drill.checkpoint()
        # What is there is not fetched again, and a spoilt note of what is there harms nothing.
        (partner.mirror(drill) / ".tags.json").write_bytes(b"[spoilt")
        asked.clear()
        assert drill.publish(drill.commitments(300, 310)) == 0
        assert partner.pull(drill, "--private", source=address) == 0
        assert asked == ["/feed/office.json", "/feed/checkpoint", "/feed/tile/entries/001.p/54"]
        assert partner.copied(drill) == drill.checkpoint()


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b::a9fe:a9fe",  # NAT64 of the place where clouds keep their keys
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "2002:7f00:1::",
        "2002:0808:0808::",
        "2001:0:1::1",
        "fec0::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "224.0.0.1",
        "240.0.0.1",
        "100.64.0.1",
        "192.88.99.1",
        "0.0.0.0",
        "::",
    ],
)
def test_an_address_within_is_seen_however_it_is_written(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_addresses_of_the_open_internet_are_asked(address):
    assert is_public(address)


HEADER = b"HTTP/1.1 200 OK\r\nx-a: "
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(("first", "piece"), [(HEADER, b"a"), (b"", CONTINUE)])
def test_a_server_that_drips_for_ever_is_cut_off(first, piece):
    """It goes on until the other side hangs up; each byte is in time, the answer never is."""
    hung_up, over = threading.Event(), threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        client, _ = listening.accept()
        with client:
            client.recv(4096)
            try:
                client.sendall(first)
                while not over.wait(0.02):
                    client.sendall(piece)
            except OSError:
                hung_up.set()

    server = threading.Thread(target=drip, daemon=True)
    server.start()
    manners = Manners(wait=0.1, whole=30, tries=1)
    feed = WebFeed(f"http://127.0.0.1:{listening.getsockname()[1]}/", private=True, manners=manners)
    try:
        with pytest.raises(FeedUnavailable, match="no answer"):
            feed.get("checkpoint", most=10)
        assert hung_up.wait(60)
    finally:
        over.set()
        feed.close()
        listening.close()
        server.join()


def test_a_pause_that_a_server_asks_for_does_not_outlast_the_pull():
    server, clock = Server({"/feed/x": [(503, {"retry-after": "100"}, b"")]}), Clock()
    with serving(server) as address:
        feed = feed_at(address, clock, manners=Manners(whole=30))
        with pytest.raises(FeedUnavailable, match="longer than 30 s"):
            feed.get("x", most=9)
        assert clock.now <= 1030
        feed.close()


def test_a_host_of_six_bytes_and_more_is_named_as_its_server_knows_it():
    class Six(Server):
        address_family = socket.AF_INET6

        def __init__(self, answers) -> None:
            ThreadingHTTPServer.__init__(self, ("::1", 0), Handler)
            self.answers, self.asked = answers, []

    try:
        server = Six({"/x": [(200, {}, b"x")]})
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = server.server_address[1]
    with serving(server):
        feed = feed_at(f"http://[::1]:{port}/")
        assert feed.get("x", most=9) == b"x"
        feed.close()
    assert server.asked[0][1]["host"] == f"[::1]:{port}"


def test_a_folder_is_read_without_following_links_or_waiting_at_pipes(tmp_path):
    feed = tmp_path / "feed"
    (feed / "tile").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"ours")
    (feed / "checkpoint").symlink_to(tmp_path / "secret")
    (feed / "documents").symlink_to(tmp_path)
    os.mkfifo(feed / "office.json")
    (feed / "tile" / "0").write_bytes(b"plain")
    source = folder_feed(str(feed))
    assert source.get("tile/0", most=9) == b"plain"
    assert source.get("tile/1", most=9) is None
    assert source.get("elsewhere/1", most=9) is None
    for path in ("checkpoint", "documents/secret", "office.json", "tile"):
        with pytest.raises(FeedUnavailable, match="no plain file"):
            source.get(path, most=9)
    with pytest.raises(FileTooLarge, match="larger than 4 bytes"):
        source.get("tile/0", most=4)
