"""JSON-RPC to Bitcoin Core: who we are, what we may ask, and what its refusals mean."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from khazana.bitcoin.adapters.web import (
    Answer,
    TooMuch,
    WebAddress,
    excerpt,
    fetch,
    open_client,
    parsed_json,
)
from khazana.bitcoin.chain import ChainSourceError

READ_ONLY = frozenset(
    {"getblock", "getblockhash", "getblockheader", "getindexinfo", "getbestblockhash", "scanblocks"}
)
"""All that is ever asked of a node. No wallet call and nothing that changes its state."""

WARMING_UP = -28
"""RPC_IN_WARMUP (Bitcoin Core, rpc/protocol.h)."""

COOKIE_DIRECTORIES = {"": 8332, "testnet3": 18332, "testnet4": 48332, "signet": 38332} | {
    "regtest": 18443
}
"""Subdirectory of a data directory with its RPC port (Bitcoin Core, chainparamsbase.cpp)."""


class RpcRefused(Exception):
    """The node understood and said no. code: as in Bitcoin Core's rpc/protocol.h."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class Login(Protocol):
    """How a node knows us."""

    def name_and_password(self) -> tuple[str, str]: ...


@dataclass(frozen=True)
class Password:
    """A user of the node's bitcoin.conf."""

    login: tuple[str, str] = field(repr=False)

    def name_and_password(self) -> tuple[str, str]:
        return self.login


@dataclass(frozen=True)
class Cookie:
    """The file that a node writes anew at each start."""

    path: Path

    def name_and_password(self) -> tuple[str, str]:
        try:
            text = self.path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise ChainSourceError(
                source="Bitcoin Core",
                asked=f"for the cookie {self.path}",
                problem=f"it cannot be read ({type(error).__name__}). Is the node running, and may "
                "this user read its data directory?",
            ) from error
        name, colon, password = text.partition(":")
        if not colon:
            raise ChainSourceError(
                source="Bitcoin Core",
                asked=f"for the cookie {self.path}",
                problem="it is not NAME:PASSWORD",
            )
        return name, password


@dataclass(frozen=True)
class CoreLimits:
    """How long one waits and how much one reads.

    scan_s: one scan of the filters; hours are possible on slow disks. warm_up_s: for a node that
    is starting. max_bytes: of one answer; a block in hex is at most 8 MB, a batch of headers less.
    """

    timeout_s: float = 60.0
    scan_s: float = 6 * 3600.0
    warm_up_s: float = 60.0
    pause_s: float = 2.0
    max_bytes: int = 64_000_000
    batch: int = 500
    scripts_per_scan: int = 10_000
    kept_transactions: int = 20_000


class CoreConnection:
    """Calls to one node."""

    def __init__(
        self,
        address: WebAddress,
        login: Login,
        *,
        sleep: Callable[[float], None],
        limits: CoreLimits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = f"Bitcoin Core at {address.url}"
        self.limits = limits
        self._url = address.url + "/"
        self._login = login
        self._known = threading.Lock()
        self._name_and_password: tuple[str, str] | None = None
        self._sleep = sleep
        self._monotonic = monotonic
        self._client = open_client(address, timeout_s=limits.timeout_s, connections=4)

    def close(self) -> None:
        self._client.close()

    def failure(self, asked: str, problem: str) -> ChainSourceError:
        return ChainSourceError(source=self.source, asked=asked, problem=problem)

    def call(self, method: str, *params: Any, timeout_s: float | None = None) -> Any:
        """The result of one call; raises RpcRefused when the node says no."""
        body = self._exchange(method, _request(method, params), timeout_s=timeout_s)
        return self._result(method, body, expected_id="khazana")

    def batch(self, method: str, params: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The results of many calls of one method, in order; one refusal refuses all."""
        results: list[Any] = []
        for start in range(0, len(params), self.limits.batch):
            part = params[start : start + self.limits.batch]
            requests = [_request(method, p, request_id=i) for i, p in enumerate(part)]
            answers = self._exchange(method, requests)
            if not isinstance(answers, list) or len(answers) != len(part):
                raise self.failure(method, f"{len(part)} calls in one batch got no list as long")
            by_id = {}
            for answer in answers:
                if isinstance(answer, dict) and type(answer.get("id")) is int:
                    by_id[answer["id"]] = answer
            results += [self._result(method, by_id.get(i), expected_id=i) for i in range(len(part))]
        return results

    def _result(self, method: str, answer: Any, *, expected_id: str | int) -> Any:
        if not isinstance(answer, dict) or answer.get("id") != expected_id:
            raise self.failure(method, "the answer is not the JSON-RPC answer to our question")
        error = answer.get("error")
        if error is None:
            if "result" not in answer:
                raise self.failure(method, "the answer holds neither a result nor an error")
            return answer["result"]
        code = error.get("code") if isinstance(error, dict) else None
        message = error.get("message") if isinstance(error, dict) else None
        if type(code) is not int or not isinstance(message, str):
            raise self.failure(method, "the answer's error has no code and message")
        raise RpcRefused(code, excerpt(message.encode()))

    def _exchange(self, method: str, content: Any, *, timeout_s: float | None = None) -> Any:
        """Send and read JSON; waits, up to a limit, for a node that is starting or is too busy."""
        started = self._monotonic()
        waited, fresh_cookie = 0.0, False
        while True:
            answer = self._send(method, content, timeout_s=timeout_s)
            if answer.status == 401 and not fresh_cookie:
                # The node may have been started anew and have written another cookie.
                fresh_cookie = True
                self._forget_login()
                continue
            busy = self._why_not_now(method, answer)
            if isinstance(busy, _Parsed):
                return busy.value
            waited = max(waited, self._monotonic() - started)
            if waited >= self.limits.warm_up_s:
                raise self.failure(method, f"{busy}. Waited {waited:.0f} s; try again later")
            self._sleep(self.limits.pause_s)
            waited += self.limits.pause_s

    def _send(self, method: str, content: Any, *, timeout_s: float | None) -> Answer:
        timeout = timeout_s or self.limits.timeout_s
        request = self._client.build_request(
            "POST",
            self._url,
            content=json.dumps(content, separators=(",", ":")).encode(),
            headers={"Content-Type": "application/json"},
            timeout=timeout,
        )
        try:
            return fetch(
                self._client,
                request,
                login=self._current_login(),
                max_bytes=self.limits.max_bytes,
                max_seconds=timeout,
            )
        except httpx.ConnectError as error:
            raise self.failure(
                method,
                f"no connection ({error}). Is the node running with server=1, and is this its RPC "
                "address?",
            ) from error
        except httpx.TimeoutException as error:
            raise self.failure(method, f"no answer within {timeout:g} s") from error
        except (httpx.HTTPError, TooMuch) as error:
            raise self.failure(method, f"{type(error).__name__} {error}".strip()) from error

    def _why_not_now(self, method: str, answer: Answer) -> "_Parsed | str":
        """The JSON of the answer, or why the node cannot answer yet."""
        if answer.status == 401:
            raise self.failure(
                method,
                "the node refuses the name and password (401). Use those of rpcauth or rpcuser in "
                "its bitcoin.conf, or name the data directory so that its cookie is read",
            )
        if answer.status == 403:
            raise self.failure(
                method, "the node does not accept calls from this machine (403): see rpcallowip"
            )
        if answer.status == 503:
            return f"the node is busy (503): {excerpt(answer.body)}"
        try:
            value = parsed_json(answer.body)
        except ValueError as error:
            raise self.failure(
                method, f"HTTP {answer.status}, and no JSON: {excerpt(answer.body)!r}"
            ) from error
        error_of = value.get("error") if isinstance(value, dict) else None
        if isinstance(error_of, dict) and error_of.get("code") == WARMING_UP:
            return f"the node is starting: {excerpt(str(error_of.get('message')).encode())}"
        return _Parsed(value)

    def _current_login(self) -> tuple[str, str]:
        with self._known:
            if self._name_and_password is None:
                self._name_and_password = self._login.name_and_password()
            return self._name_and_password

    def _forget_login(self) -> None:
        with self._known:
            self._name_and_password = None


@dataclass(frozen=True)
class _Parsed:
    value: Any


def _request(
    method: str, params: Sequence[Any], *, request_id: str | int = "khazana"
) -> dict[str, Any]:
    if method not in READ_ONLY:
        raise ValueError(f"{method} is not among the calls that only read the chain")
    return {"jsonrpc": "1.0", "id": request_id, "method": method, "params": list(params)}


def node_in(data_directory: Path) -> tuple[WebAddress, Cookie]:
    """The node that runs in a data directory of Bitcoin Core, found by its cookie.

    The directory of one network (`DATADIR/regtest`) is understood as well.
    """
    cookies = {
        name: data_directory / name / ".cookie"
        for name in COOKIE_DIRECTORIES
        if (data_directory / name / ".cookie").is_file()
    }
    if data_directory.name in COOKIE_DIRECTORIES and "" in cookies:
        cookies = {data_directory.name: cookies[""]}
    if len(cookies) != 1:
        where = ", ".join(str(path.parent) for path in cookies.values())
        raise ChainSourceError(
            source="Bitcoin Core",
            asked=f"for the cookie in {data_directory}",
            problem=f"several nodes left one: name one of {where}"
            if cookies
            else "there is none. Is this the data directory, does its node run with server=1, and "
            "may this user read it? Otherwise use core:http://NAME:PASSWORD@HOST:PORT",
        )
    ((name, path),) = cookies.items()
    return WebAddress(f"http://127.0.0.1:{COOKIE_DIRECTORIES[name]}"), Cookie(path)
