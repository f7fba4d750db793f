"""What every HTTP source shares: an address without secrets, answers of bounded size and time."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from typing import Any

import httpx

from khazana.bitcoin.chain import ChainSourceError

_HASH = re.compile("[0-9a-f]{64}")
_CHUNK = 65_536


@dataclass(frozen=True)
class WebAddress:
    """A server's address, apart from the name and password that may stand in it.

    url: without user information and without a slash at the end; safe to print.
    """

    url: str
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> "WebAddress":
        """Refuses what is not a plain http or https address, without repeating it: the refused
        text may contain a password."""
        problem = "write it as http://HOST:PORT or https://HOST/PATH, without ? and #"
        try:
            url = httpx.URL(text.strip())
        except (httpx.InvalidURL, ValueError) as error:
            raise ChainSourceError(
                source="The given address", asked="anything", problem=problem
            ) from error
        if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
            raise ChainSourceError(source="The given address", asked="anything", problem=problem)
        login = (url.username, url.password) if url.userinfo else None
        return cls(str(url.copy_with(userinfo=b"")).rstrip("/"), login)

    @property
    def is_this_machine(self) -> bool:
        host = httpx.URL(self.url).host
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read whole. retry_after_s: what the server asks for, if it does."""

    status: int
    body: bytes
    retry_after_s: int | None


class TooMuch(Exception):
    """An answer that is larger or slower than it may be: asking again would not help."""


def open_client(address: WebAddress, *, timeout_s: float, connections: int) -> httpx.Client:
    """A client that follows no redirect: an answer comes from who was asked, or not at all."""
    return httpx.Client(
        timeout=timeout_s,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=connections),
        # A compressed answer could unfold to any size while it is being read.
        headers={"Accept-Encoding": "identity"},
        # A proxy (Tor, an office's gateway) may stand before a server, never before this machine.
        trust_env=not address.is_this_machine,
    )


def fetch(
    client: httpx.Client,
    request: httpx.Request,
    *,
    login: tuple[str, str] | None,
    max_bytes: int,
    max_seconds: float,
    monotonic: Callable[[], float] = time.monotonic,
) -> Answer:
    """Send one request and read the answer; raises httpx.HTTPError or TooMuch.

    max_seconds bounds the whole answer: a server may not drip one byte per time-out for ever.
    """
    auth = httpx.BasicAuth(*login) if login is not None else None
    deadline = monotonic() + max_seconds
    response = client.send(request, auth=auth, stream=True)
    try:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise TooMuch("it is compressed, although plain was asked for")
        body = bytearray()
        for chunk in response.iter_raw(_CHUNK):
            body += chunk
            if len(body) > max_bytes:
                raise TooMuch(f"it is larger than {max_bytes:,} bytes")
            if monotonic() > deadline:
                raise TooMuch(f"it was not complete after {max_seconds:g} s")
    finally:
        response.close()
    # Retry-After may also be a date; without a clock that is no better than our own back-off.
    wait = response.headers.get("retry-after", "")
    return Answer(
        response.status_code,
        bytes(body),
        int(wait) if re.fullmatch("[0-9]{1,6}", wait) else None,
    )


def parsed_json(body: bytes) -> Any:
    """JSON with exact decimals; ValueError when it is not JSON or is nested without end."""
    try:
        return json.loads(body.decode("utf-8"), parse_float=Decimal)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def is_hash(value: object) -> bool:
    """Whether this is a hash as displayed: 64 lower-case hex digits."""
    return isinstance(value, str) and _HASH.fullmatch(value) is not None
