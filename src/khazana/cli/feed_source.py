"""Where a feed is read from: a folder, or a web server that is asked politely and never trusted.

A web server decides nothing here: not how much is read, not how long, not which machine is asked.
"""

import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from khazana import __version__
from khazana.accord.feed.errors import FileTooLarge
from khazana.accord.feed.paths import OFFICE
from khazana.cli.feed_addresses import addresses_of, is_public
from khazana.cli.feed_deadline import Connection
from khazana.errors import KhazanaError
from khazana.statement.log.files import CHECKPOINT

_WEB = re.compile(r"https?://", re.IGNORECASE)
_HEADERS = {"user-agent": f"khazana/{__version__} (accord pull)", "accept-encoding": "identity"}
_RETRIED = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_HOPS = 3
# Not on Windows, where no log is kept either.
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
CHANGING = frozenset({CHECKPOINT, OFFICE})
"""All else in a feed never changes, or is fetched once."""


@dataclass(eq=False, kw_only=True)
class FeedUnavailable(KhazanaError):
    """A feed's server does not give what it is asked for."""

    address: str
    problem: str
    code = "feed_unavailable"
    words = "{address}: {problem}. What came so far is kept; try again later."


@dataclass(eq=False, kw_only=True)
class FeedAddressRefused(KhazanaError):
    """A feed's address, or one that it sends us to, is not asked."""

    address: str
    problem: str
    code = "feed_address_refused"
    words = "{address} is not asked: {problem}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a server is asked. All in seconds but for `tries`.

    pause: between two requests. wait: for the next byte of an answer; the whole answer has three
    times as long. whole: for one pull. longest: of one pause that the server asks for.
    """

    pause: float = 0.02
    wait: float = 20.0
    whole: float = 3600.0
    tries: int = 5
    longest: float = 120.0


@dataclass
class WebFeed:
    """A feed on a web server. private: addresses of this machine and of inner networks are asked.

    kept: what we have of a file, so that an unchanged one is not sent again. tags: of what is
    kept, as the server named them; the caller keeps them for the next pull. look_up: a host's
    addresses.
    """

    address: str
    private: bool = False
    manners: Manners = Manners()
    kept: Callable[[str], bytes | None] = lambda _: None
    tags: dict[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    look_up: Callable[[str, int], list[str]] | None = None
    requests: int = 0
    _client: httpx.Client | None = None
    _connection: Connection = field(default_factory=Connection)
    _until: float | None = None
    _last: float | None = None

    def __post_init__(self) -> None:
        if not self.address.endswith("/"):
            self.address += "/"
        try:
            parts = urlsplit(self.address)
        except ValueError as error:
            raise FeedAddressRefused(address=self.address[:200], problem=str(error)) from error
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            problem = "a feed's address is http(s)://host/path, without name, query or fragment"
            raise FeedAddressRefused(address=self.address[:200], problem=problem)

    def get(self, path: str, *, most: int) -> bytes | None:
        """The file at the path below the feed's address."""
        conditions, problem = {}, "no answer"
        kept = self.kept(path) if path in self.tags else None
        if kept is not None:
            conditions["if-none-match"] = self.tags[path]
        for attempt in range(1, self.manners.tries + 1):
            self._be_polite()
            try:
                status, headers, body = self._hop(urljoin(self.address, path), conditions, most)
            except httpx.InvalidURL as error:
                raise FeedAddressRefused(address=self.address, problem=str(error)) from error
            except httpx.HTTPError as error:
                problem, asked = f"no answer ({type(error).__name__})", None
            else:
                if status == 304 and kept is not None:
                    return kept
                if status == 200:
                    if path in CHANGING:
                        self._remember(path, headers)
                    return body
                if status in (404, 410):
                    return None
                problem, asked = f"it answers with status {status}", headers.get("retry-after")
                if status not in _RETRIED:
                    break
            if attempt < self.manners.tries:
                self._rest(min(_asked(asked) or 2.0 ** (attempt - 1), self.manners.longest))
        raise FeedUnavailable(address=urljoin(self.address, path), problem=problem)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        self._connection.close()

    def _be_polite(self) -> None:
        now = self.clock()
        if self._until is None:
            self._until = now + self.manners.whole
        if now >= self._until:
            problem = f"the pull took longer than {self.manners.whole:.0f} s"
            raise FeedUnavailable(address=self.address, problem=problem)
        if self._last is not None and now - self._last < self.manners.pause:
            self._rest(self.manners.pause - (now - self._last))
        self._last = self.clock()

    def _rest(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the pull."""
        self.sleep(max(min(seconds, self._left()), 0.0))

    def _left(self) -> float:
        return self.manners.whole if self._until is None else self._until - self.clock()

    def _hop(
        self, url: str, conditions: Mapping[str, str], most: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request, and what it is redirected to, each address judged before it is asked."""
        for _ in range(MOST_HOPS + 1):
            status, headers, body = self._ask(url, conditions, most)
            if status not in _REDIRECTS:
                return status, headers, body
            try:
                url = urljoin(url, headers.get("location", ""))
                urlsplit(url).port  # noqa: B018  refuses what is no number
            except ValueError as error:
                problem = "the feed's server sends us to something that is no address"
                raise FeedAddressRefused(address=self.address[:200], problem=problem) from error
            if not _WEB.match(url):
                problem = "the feed's server sends us to something that is no web address"
                raise FeedAddressRefused(address=url[:200], problem=problem)
            if urlsplit(self.address).scheme == "https" and urlsplit(url).scheme != "https":
                problem = "the feed's server sends us from https to http"
                raise FeedAddressRefused(address=url[:200], problem=problem)
        raise FeedUnavailable(address=url[:200], problem=f"more than {MOST_HOPS} redirects")

    def _ask(
        self, url: str, conditions: Mapping[str, str], most: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        parts = urlsplit(url)
        ip = self._judged_address(url)
        # The address that was judged is the one that is asked: the name is not looked up again.
        host = f"[{ip}]" if ":" in ip else ip
        port = "" if parts.port is None else f":{parts.port}"
        direct = parts._replace(netloc=f"{host}{port}").geturl()
        name = (parts.hostname or "").encode("idna").decode()
        named = f"[{name}]" if ":" in name else name
        extensions: dict[str, Any] = {"trace": self._connection.seen}
        if parts.scheme == "https":
            extensions["sni_hostname"] = name
        headers = {**_HEADERS, **conditions, "host": f"{named}{port}"}
        self.requests += 1
        until = self.clock() + self.manners.wait * 3
        # Headers too can come a byte at a time, or interim answers without end.
        with (
            self._connection.cut_after(min(self.manners.wait * 3, self._left())),
            self._opened().stream("GET", direct, headers=headers, extensions=extensions) as answer,
        ):
            if answer.status_code != 200:
                return answer.status_code, answer.headers, b""
            body = bytearray()
            for piece in answer.iter_raw():
                body += piece
                if len(body) > most:
                    raise FileTooLarge(address=url[:200], limit=most)
                if self.clock() > until:
                    raise FeedUnavailable(address=url, problem="it comes too slowly")
            return 200, answer.headers, bytes(body)

    def _judged_address(self, url: str) -> str:
        """An address of the host that may be asked: a public one, unless `private`."""
        parts = urlsplit(url)
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            addresses = (self.look_up or addresses_of)(parts.hostname or "", port)
        except (OSError, ValueError) as error:
            raise FeedUnavailable(address=url[:200], problem="its host is not found") from error
        for address in addresses:
            if not self.private and not is_public(address):
                problem = (
                    f"its address {address} is of this machine or of an inner network "
                    "(--private allows it)"
                )
                raise FeedAddressRefused(address=url[:200], problem=problem)
        return addresses[0]

    def _opened(self) -> httpx.Client:
        if self._client is None:
            # No proxy from the environment: it would be asked instead of the judged address.
            self._client = httpx.Client(
                timeout=self.manners.wait,
                follow_redirects=False,
                trust_env=False,
                # One, so that the connection that was opened last is the one in use.
                limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            )
        return self._client

    def _remember(self, path: str, headers: Mapping[str, str]) -> None:
        tag = headers.get("etag", "")
        if tag and len(tag) <= 200 and tag.isascii() and tag.isprintable():
            self.tags[path] = tag
        else:
            self.tags.pop(path, None)


@dataclass(frozen=True)
class FolderFeed:
    """A feed in a folder on this machine, which somebody else may have filled: plain files only.

    A link would lead to whatever we can read, and a pipe would let us wait for ever.
    """

    root: Path

    def get(self, path: str, *, most: int) -> bytes | None:
        """The file at the path below the folder."""
        *folders, name = path.split("/")
        handle = os.open(self.root, os.O_RDONLY | _DIRECTORY)
        try:
            for each in folders:
                inner = os.open(each, os.O_RDONLY | _DIRECTORY | _PLAIN, dir_fd=handle)
                os.close(handle)
                handle = inner
            file = os.open(name, os.O_RDONLY | _PLAIN, dir_fd=handle)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FeedUnavailable(
                address=str(self.root / path),
                problem=f"it is no plain file in plain folders ({error.strerror})",
            ) from error
        finally:
            os.close(handle)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise FeedUnavailable(address=str(self.root / path), problem="it is no plain file")
        with open(file, "rb") as opened:
            content = opened.read(most + 1)
        if len(content) > most:
            raise FileTooLarge(address=str(self.root / path), limit=most)
        return content

    def close(self) -> None:
        """Nothing is open."""


def is_web_address(text: str) -> bool:
    """Whether a feed is named by a web address rather than by a folder."""
    return _WEB.match(text) is not None


def folder_feed(text: str) -> FolderFeed:
    """The feed in a folder, which must be there."""
    if not Path(text).is_dir():
        raise FeedUnavailable(address=text, problem="there is no such folder")
    return FolderFeed(Path(text))


def _asked(retry_after: str | None) -> float | None:
    """The seconds that a server asks us to wait."""
    return float(retry_after) if retry_after and re.fullmatch(r"[0-9]{1,6}", retry_after) else None
