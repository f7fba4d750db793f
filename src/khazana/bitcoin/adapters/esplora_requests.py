"""Asking an Esplora server over HTTP: bounded in time, size, tries and connections."""

import random
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx
import msgspec

from khazana.bitcoin.adapters.web import WebAddress
from khazana.bitcoin.chain import ChainSourceError

T = TypeVar("T")
A = TypeVar("A")

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 60.0
"""A server that asks for more patience than this is reported, not waited for."""

KIB, MIB = 1 << 10, 1 << 20
_BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses that the next try may not meet."""
_READ = 64 * KIB
_HEX_HASH = re.compile(r"[0-9a-f]{64}")

_DECODING = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """How hard a server is asked, and how much of it is endured.

    workers: connections that are kept open and used at the same time. tries: of one question.
    timeout_s: the longest silence. answer_s: the longest that one answer may take to arrive in
    full, however steadily it drips. most_transactions: of one script; a server that lists more is
    taken for one that lists for ever.
    """

    workers: int = 8
    tries: int = 5
    timeout_s: float = 30.0
    answer_s: float = 300.0
    most_transactions: int = 1_000_000

    def __post_init__(self) -> None:
        if min(self.workers, self.tries) < 1:
            raise ValueError("a question needs at least one try and one worker")


DEFAULT_LIMITS = Limits()


class EsploraHttp:
    """GET requests to one server, safe to use from several threads.

    address: of the API's root. Its name and password are sent, and never shown.
    sleep, jitter: how it waits between tries and how it spreads them; clock: seconds that never
    run backwards.
    """

    def __init__(
        self,
        address: WebAddress,
        *,
        jitter: random.Random,
        sleep: Callable[[float], None],
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = address.url
        """The server's address without credentials, as it may be printed."""
        self._sleep = sleep
        self._jitter = jitter
        self._clock = clock
        self._limits = limits
        try:
            self._client = httpx.Client(
                auth=address.login,
                timeout=limits.timeout_s,
                follow_redirects=False,
                limits=httpx.Limits(
                    max_connections=limits.workers, max_keepalive_connections=limits.workers
                ),
                headers={"Accept-Encoding": "gzip", "User-Agent": "khazana"},
                # A proxy set for the world outside must not be asked for this machine.
                trust_env=not address.is_this_machine,
            )
        except (ImportError, ValueError, OSError) as error:
            # A proxy or certificate setting in the environment that cannot be used.
            raise self.error("/", f"no connection can be set up ({error})") from error

    def close(self) -> None:
        self._client.close()

    def error(self, path: str, problem: str) -> ChainSourceError:
        """The error for a question: names the server, the path and what is wrong."""
        return ChainSourceError(source=self.url, asked=f"GET {path}", problem=problem)

    def get(self, path: str, *, limit: int) -> bytes | None:
        """The body of an answer of at most `limit` bytes; None when there is no such thing (404).

        Network failures and busy servers are tried again, with growing pauses.
        """
        for attempt in range(1, self._limits.tries):
            try:
                status, headers, body = self._once(path, limit)
            except httpx.TransportError:
                self._sleep(self._pause(attempt))
                continue
            if status not in _BUSY:
                return self._usable(path, status, headers, body)
            asked_for = _retry_after(headers)
            if asked_for is not None and asked_for > LONGEST_PAUSE_S:
                raise self.error(path, f"it is busy and asks to come back in {asked_for:.0f} s")
            self._sleep(max(asked_for or 0.0, self._pause(attempt)))
        try:
            status, headers, body = self._once(path, limit)
        except httpx.TransportError as error:
            raise self.error(path, self._silence(error)) from error
        return self._usable(path, status, headers, body)

    def text(self, path: str, *, limit: int = KIB) -> str | None:
        """An answer in plain ASCII, without blanks around it."""
        body = self.get(path, limit=limit)
        if body is None:
            return None
        try:
            return body.decode("ascii").strip()
        except UnicodeDecodeError as error:
            raise self.error(path, "the answer is not plain text") from error

    def hash(self, path: str) -> str | None:
        """An answer that is one hash, as displayed."""
        text = self.text(path)
        if text is not None and _HEX_HASH.fullmatch(text) is None:
            raise self.error(path, f"expected a hash of 64 hex digits, got {_shown(text)}")
        return text

    def json(self, path: str, kind: type[T], *, limit: int = MIB) -> T | None:
        """An answer in JSON of the expected shape; fields that `kind` does not name are skipped."""
        body = self.get(path, limit=limit)
        if body is None:
            return None
        try:
            # msgspec learns a type when it first meets it; two threads at once crashed the process.
            with _DECODING:
                return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.error(path, f"the answer is not the expected JSON: {error}") from error

    def each(self, ask: Callable[[A], T], questions: Iterable[A]) -> list[T]:
        """The answers in the order of the questions, several asked at the same time."""
        asked = list(questions)
        if len(asked) <= 1:
            return [ask(question) for question in asked]
        pool = ThreadPoolExecutor(
            min(self._limits.workers, len(asked)), thread_name_prefix="esplora"
        )
        try:
            return list(pool.map(ask, asked))
        finally:
            # After a failure what has not begun is not worth asking.
            pool.shutdown(cancel_futures=True)

    def _usable(
        self, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> bytes | None:
        if status == 200:
            return body
        if status == 404:
            return None
        tried = f" (in the last of {self._limits.tries} tries)" if status in _BUSY else ""
        raise self.error(path, _refusal(status, headers, body) + tried)

    def _once(self, path: str, limit: int) -> tuple[int, Mapping[str, str], bytes]:
        with self._client.stream("GET", self.url + path) as response:
            body = b"" if response.is_redirect else self._body(path, response, limit)
            return response.status_code, response.headers, body

    def _body(self, path: str, response: httpx.Response, limit: int) -> bytes:
        """The body, unpacked here because a small packed one may hide a giant."""
        packing = response.headers.get("content-encoding", "identity").lower()
        if packing not in ("identity", "gzip"):
            raise self.error(path, f"the answer is packed as {_shown(packing)}, not as gzip")
        unpack = zlib.decompressobj(wbits=31) if packing == "gzip" else None
        deadline = self._clock() + self._limits.answer_s
        pieces: list[bytes] = []
        room = limit
        for raw in response.iter_raw(_READ):
            piece = raw
            if unpack is not None:
                try:
                    piece = unpack.decompress(raw, room + 1)
                except zlib.error as error:
                    raise self.error(path, f"the answer is broken gzip ({error})") from error
            room -= len(piece)
            if room < 0:
                raise self.error(path, f"the answer is larger than {limit:,} bytes")
            if self._clock() > deadline:
                raise self.error(
                    path, f"the answer was not complete after {self._limits.answer_s:g} s"
                )
            pieces.append(piece)
        if unpack is not None and not unpack.eof and pieces:
            raise self.error(path, "the answer is broken gzip (it ends too early)")
        return b"".join(pieces)

    def _pause(self, attempt: int) -> float:
        """Seconds to wait after try number `attempt`: twice as long each time, half of it chance.

        Chance keeps many clients of one server from coming back all at once.
        """
        whole = min(FIRST_PAUSE_S * 2.0 ** (attempt - 1), LONGEST_PAUSE_S)
        return whole * (0.5 + 0.5 * self._jitter.random())

    def _silence(self, error: httpx.TransportError) -> str:
        if isinstance(error, httpx.ConnectError):
            problem = f"no connection ({error}); is the server running, and the URL right?"
        elif isinstance(error, httpx.TimeoutException):
            problem = f"silent for {self._limits.timeout_s:g} s"
        else:
            problem = f"the connection broke ({str(error) or type(error).__name__})"
        return f"{problem} (in the last of {self._limits.tries} tries)"


def hexadecimal(text: str) -> bytes | None:
    """Bytes written in hex, or None; blanks, which Python would skip, are refused."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    return raw if len(text) == 2 * len(raw) else None


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> str:
    if 300 <= status < 400:
        where = _shown(headers.get("location", "nowhere"))
        return f"it redirects to {where} (status {status}), which is not followed: use that URL"
    return f"status {status}, {_shown(body[:200].decode('utf-8', 'replace').strip())}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a busy server asks to wait (RFC 9110, 10.2.3), measured by its own clock."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    try:
        wanted = parsedate_to_datetime(value)
        return max(0.0, (wanted - parsedate_to_datetime(headers["date"])).total_seconds())
    except (ValueError, TypeError, KeyError):
        return None


def _shown(text: str) -> str:
    """Foreign text, short and without control characters."""
    return repr(text if len(text) <= 200 else text[:200] + "…")
