import gzip
import json
import random
import threading
from contextlib import contextmanager

import pytest

from khazana.bitcoin.adapters.esplora_requests import EsploraHttp, Limits, _retry_after
from khazana.bitcoin.adapters.esplora_shapes import BlockStatus, ListedBlock
from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.chain import ChainSourceError
from tests.bitcoin.loopback import Reply, served

HASH = "ab" * 32
OK = Reply(200, HASH.encode())


@contextmanager
def asking(answer, *, login="", clock=None, **limits):
    """A client of a server that answers with `answer`; the pauses it made are in `pauses`."""
    with served(answer) as url:
        address = WebAddress.parse(url.replace("http://", f"http://{login}"))
        pauses = []
        more = {} if clock is None else {"clock": clock}
        http = EsploraHttp(
            address,
            jitter=random.Random(7),
            sleep=pauses.append,
            limits=Limits(**{"timeout_s": 5.0, **limits}),
            **more,
        )
        http.pauses = pauses
        try:
            yield http
        finally:
            http.close()


def one_after_another(*replies):
    left = list(replies)
    return lambda _question: left.pop(0)


def failure(http, path="/x", limit=1000):
    with pytest.raises(ChainSourceError) as caught:
        http.get(path, limit=limit)
    assert caught.value.source == http.url
    assert caught.value.asked == f"GET {path}"
    return caught.value.problem


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_growing_pauses(status):
    busy = Reply(status, b"busy")
    with asking(one_after_another(busy, busy, busy, OK)) as http:
        assert http.hash("/x") == HASH
        assert len(http.pauses) == 3
        for pause, longest in zip(http.pauses, (0.25, 0.5, 1.0), strict=True):
            assert longest / 2 <= pause <= longest


def test_the_jitter_decides_how_long_a_pause_is():
    busy = Reply(503)
    with asking(one_after_another(busy, busy, OK)) as http:
        http.hash("/x")
        jitter = random.Random(7)
        assert http.pauses == [whole * (0.5 + 0.5 * jitter.random()) for whole in (0.25, 0.5)]


def test_a_server_that_stays_busy_is_named_with_what_was_asked():
    asked = []

    def answer(question):
        asked.append(question.path)
        return Reply(500, b"out of\ncheese \x07")

    with asking(answer, tries=3) as http:
        problem = failure(http)
        assert asked == ["/x"] * 3
        assert len(http.pauses) == 2
        assert "status 500" in problem
        assert "out of\\ncheese \\x07" in problem
        assert "last of 3 tries" in problem


def test_a_busy_server_is_given_the_time_it_asks_for():
    with asking(one_after_another(Reply(429, b"", {"Retry-After": "7"}), OK)) as http:
        assert http.hash("/x") == HASH
        assert http.pauses == [7.0]


def test_a_date_to_come_back_is_measured_by_the_servers_own_clock():
    headers = {
        "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT",
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
    }
    assert _retry_after({name.lower(): value for name, value in headers.items()}) == 30.0


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "٣", "Wed, 99 Oct 2015"])
def test_a_wish_that_is_no_time_is_not_followed(value):
    assert _retry_after({"retry-after": value, "date": "Wed, 21 Oct 2015 07:28:00 GMT"}) is None


def test_a_server_that_wants_too_much_patience_is_reported_at_once():
    with asking(one_after_another(Reply(503, b"", {"Retry-After": "3600"}))) as http:
        assert failure(http) == "it is busy and asks to come back in 3600 s"
        assert http.pauses == []


def test_a_connection_that_breaks_is_tried_again():
    with asking(one_after_another(Reply(200, None), OK)) as http:
        assert http.hash("/x") == HASH
        assert len(http.pauses) == 1


def test_a_server_that_always_hangs_up_is_named():
    with asking(lambda _: Reply(200, None), tries=2) as http:
        assert "the connection broke" in failure(http)


def test_silence_is_named_as_such():
    released = threading.Event()

    def answer(_question):
        released.wait(10)
        return OK

    with asking(answer, tries=2, timeout_s=0.05) as http:
        try:
            assert failure(http) == "silent for 0.05 s (in the last of 2 tries)"
        finally:
            released.set()


def test_nobody_listening_is_named_as_such():
    with asking(lambda _: OK, tries=2) as http:
        pass
    gone = EsploraHttp(
        WebAddress(http.url), jitter=random.Random(1), sleep=lambda _: None, limits=Limits(tries=2)
    )
    assert "is the server running, and the URL right?" in failure(gone)


def test_nothing_there_is_an_answer_and_is_not_asked_again():
    with asking(one_after_another(Reply(404, b"no"))) as http:
        assert http.get("/x", limit=10) is None
        assert http.pauses == []


@pytest.mark.parametrize("status", [400, 401, 403, 410, 501])
def test_a_refusal_is_reported_at_once(status):
    with asking(one_after_another(Reply(status, b"go away"))) as http:
        assert failure(http) == f"status {status}, 'go away'"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status):
    asked = []

    def answer(question):
        asked.append(question.path)
        return Reply(status, b"", {"Location": "/elsewhere"})

    with asking(answer) as http:
        assert "redirects to '/elsewhere'" in failure(http)
        assert asked == ["/x"]


def test_credentials_are_sent_and_never_shown():
    seen = []

    def answer(question):
        seen.append(question.authorization)
        return Reply(403, b"no")

    with asking(answer, login="ada:s3cret@") as http:
        with pytest.raises(ChainSourceError) as caught:
            http.hash("/x")
        assert seen == ["Basic YWRhOnMzY3JldA=="]
        shown = f"{caught.value} {caught.value!r} {caught.value.facts()} {http.url}"
        assert "s3cret" not in shown
        assert "ada" not in shown


# The size of answers


def test_an_answer_may_be_as_large_as_its_limit_and_no_larger():
    with asking(lambda _: Reply(200, b"x" * 1000)) as http:
        assert http.get("/x", limit=1000) == b"x" * 1000
        assert failure(http, limit=999) == "the answer is larger than 999 bytes"


GZIP = {"Content-Encoding": "gzip"}


def test_packed_answers_are_unpacked():
    with asking(lambda _: Reply(200, gzip.compress(HASH.encode()), GZIP)) as http:
        assert http.hash("/x") == HASH


def test_a_small_packed_answer_that_unfolds_to_a_giant_is_refused():
    bomb = gzip.compress(bytes(50_000_000))
    with asking(lambda _: Reply(200, bomb, GZIP)) as http:
        assert failure(http, limit=1 << 20) == "the answer is larger than 1,048,576 bytes"


def test_broken_packing_is_refused():
    packed = gzip.compress(b"x" * 1000)
    with asking(lambda _: Reply(200, packed[:-9], GZIP)) as http:
        assert "broken gzip (it ends too early)" in failure(http)
    with asking(lambda _: Reply(200, b"plain", GZIP)) as http:
        assert "broken gzip" in failure(http)
    with asking(lambda _: Reply(200, b"plain", {"Content-Encoding": "br"})) as http:
        assert failure(http) == "the answer is packed as 'br', not as gzip"


def test_an_answer_that_never_completes_is_given_up():
    seconds = iter([0.0, 301.0])
    with asking(lambda _: OK, clock=lambda: next(seconds)) as http:
        assert failure(http) == "the answer was not complete after 300 s"


# The shape of answers


@pytest.mark.parametrize("body", [b"", b"ab", HASH.upper().encode(), b"\xff" * 64, b"<html>"])
def test_what_is_no_hash_is_refused(body):
    with asking(lambda _: Reply(200, body)) as http, pytest.raises(ChainSourceError):
        http.hash("/x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"in_best_chain": 1}',
        b'{"in_best_chain": true, "height": "5"}',
        b'{"in_best_chain": true, "height": -1}',
        b'{"in_best_chain": true, "height": 1.5}',
        b'{"in_best_chain": true, "height": 99999999999}',
        b'{"in_best_chain": "\xff"}',
        b'{"in_best_chain": true} x',
        b'{"in_best_chain": true, "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_json_of_another_shape_is_refused(body):
    with asking(lambda _: Reply(200, body)) as http:
        with pytest.raises(ChainSourceError) as caught:
            http.json("/x", BlockStatus)
        assert caught.value.problem.startswith("the answer is not the expected JSON: ")


def test_fields_that_nobody_asked_for_are_skipped():
    body = json.dumps({"in_best_chain": True, "height": 5, "next_best": None, "more": [{}]})
    with asking(lambda _: Reply(200, body.encode())) as http:
        assert http.json("/x", BlockStatus) == BlockStatus(in_best_chain=True, height=5)
        with pytest.raises(ChainSourceError):
            http.json("/x", list[ListedBlock])


# Several questions at the same time


def test_answers_come_in_the_order_of_the_questions():
    with asking(lambda question: Reply(200, question.path.encode())) as http:
        paths = [f"/{number}" for number in range(50)]
        assert http.each(http.text, paths) == paths
        assert http.each(http.text, []) == []


def test_after_a_failure_what_has_not_begun_is_not_asked():
    asked = []

    def answer(question):
        asked.append(question.path)
        return Reply(403)

    with asking(answer, workers=2) as http:
        with pytest.raises(ChainSourceError):
            http.each(http.text, [f"/{number}" for number in range(500)])
        assert len(asked) < 500


@pytest.mark.parametrize("wrong", [{"tries": 0}, {"workers": 0}])
def test_limits_that_let_nothing_through_are_our_own_mistake(wrong):
    with pytest.raises(ValueError, match="at least one"):
        Limits(**wrong)
