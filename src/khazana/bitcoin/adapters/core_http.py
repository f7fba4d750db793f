"""JSON-RPC to a Bitcoin Core node over HTTP: one call or a batch, every answer bounded."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import httpx

from khazana.bitcoin.adapters.core_errors import NodeError, NodeRefusesLogin, NodeStartingUp
from khazana.bitcoin.adapters.core_place import CorePlace, Password
from khazana.bitcoin.adapters.web import TooMuch, WebAddress, fetch, open_client, parsed_json
from khazana.bitcoin.chain import ChainSourceError

IN_WARMUP = -28
"""RPC_IN_WARMUP (Bitcoin Core, rpc/protocol.h); so are the numbers below."""
METHOD_NOT_FOUND = -32601

WAITS_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long to wait between attempts while a node starts up: a minute in all."""

MAX_ANSWER = 16 * 2**20
"""Bytes; the largest block is under 4 million bytes, which is twice that in hex."""
BATCH = 500
"""Calls in one request."""

_CONNECT_S = 10.0
_PATIENCE_S = 60.0
_ID = "khazana"


class CoreRpc:
    """A node's JSON-RPC. Safe for threads. No credentials appear in errors or `repr`."""

    def __init__(self, place: CorePlace, *, sleep: Callable[[float], None]) -> None:
        self.source = place.url
        self._credentials = place.credentials
        self._login: tuple[str, str] | None = None
        self._sleep = sleep
        self._client = open_client(WebAddress(place.url), timeout_s=_PATIENCE_S, connections=4)

    def __repr__(self) -> str:
        return f"CoreRpc({self.source!r})"

    def close(self) -> None:
        self._client.close()

    def call(
        self,
        method: str,
        *params: object,
        max_answer: int = MAX_ANSWER,
        patience_s: float = _PATIENCE_S,
        repeat: bool = True,
    ) -> Any:
        """The node's result; decimals are `Decimal`. Raises `ChainSourceError` and its kinds.

        repeat: whether a broken connection may be tried again.
        """
        asked = _asked(method, params)
        body = _encoded(_request(_ID, method, params))
        answer = self._answer(
            body, asked, max_answer=max_answer, patience_s=patience_s, repeat=repeat
        )
        return self._result(answer, _ID, asked)

    def batch(self, method: str, params: Sequence[Sequence[object]]) -> list[Any]:
        """The results of many calls, in order. The first error among them is raised."""
        results: list[Any] = []
        for start in range(0, len(params), BATCH):
            chunk = params[start : start + BATCH]
            asked = f"{len(chunk)} times {_asked(method, chunk[0])}"
            ids = [f"{_ID}-{start + n}" for n in range(len(chunk))]
            body = _encoded([_request(each, method, p) for each, p in zip(ids, chunk, strict=True)])
            answers = self._answer(
                body, asked, max_answer=MAX_ANSWER, patience_s=_PATIENCE_S, repeat=True
            )
            if not isinstance(answers, list):
                # An error that concerns the whole request comes alone.
                self._result(answers, None, asked)
                self.nonsense(asked, "one answer to a batch")
            by_id = {a.get("id"): a for a in answers if _has_text_id(a)}
            if len(answers) != len(chunk) or set(by_id) != set(ids):
                self.nonsense(asked, f"{len(answers)} answers that do not fit the questions")
            results += [
                self._result(by_id[each], each, _asked(method, p))
                for each, p in zip(ids, chunk, strict=True)
            ]
        return results

    def nonsense(self, asked: str, problem: str) -> NoReturn:
        """Refuse an answer that is not what a node gives."""
        raise ChainSourceError(source=self.source, asked=asked, problem=problem)

    def _answer(
        self, body: bytes, asked: str, *, max_answer: int, patience_s: float, repeat: bool
    ) -> Any:
        """The decoded answer, once the node is up and has taken the login."""
        waits = list(WAITS_S)
        reread = repeated = False
        if self._login is None:
            self._login = self._credentials.login()
        while True:
            try:
                status, raw = self._post(body, asked, max_answer, patience_s)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                # A node closes idle connections; one more attempt opens a new one.
                if repeated or not repeat:
                    self.nonsense(asked, f"the connection broke ({type(error).__name__})")
                repeated = True
                continue
            if status == httpx.codes.UNAUTHORIZED:
                fresh = self._credentials.login()
                if reread or fresh == self._login:
                    self._refused(asked)
                self._login, reread = fresh, True
                continue
            busy = status == httpx.codes.SERVICE_UNAVAILABLE
            answer = None if busy else self._decoded(status, raw, asked)
            reason = "its work queue is full" if busy else _warming_up(answer)
            if reason is None:
                return answer
            if not waits:
                raise NodeStartingUp(
                    source=self.source,
                    asked=asked,
                    problem=f"it is still not ready after {sum(WAITS_S):.0f} seconds ({reason}); "
                    "try again when it has started",
                )
            self._sleep(waits.pop(0))

    def _post(
        self, body: bytes, asked: str, max_answer: int, patience_s: float
    ) -> tuple[int, bytes]:
        request = self._client.build_request(
            "POST",
            self.source,
            content=body,
            headers={"Content-Type": "application/json"},
            timeout=httpx.Timeout(patience_s, connect=_CONNECT_S),
        )
        # `from None`: the library's errors carry the request, and that the login.
        try:
            answer = fetch(
                self._client,
                request,
                login=self._login,
                max_bytes=max_answer,
                max_seconds=patience_s,
            )
        except httpx.ConnectError:
            self._silent(
                asked,
                "nothing accepts the connection: is the node running with server=1, and is this "
                "its RPC port?",
            )
        except httpx.TimeoutException:
            self._silent(asked, f"it was silent for {patience_s:.0f} seconds")
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            raise
        except (httpx.HTTPError, httpx.InvalidURL, TooMuch) as error:
            self._silent(asked, f"{type(error).__name__} {error}".strip())
        return answer.status, answer.body

    def _silent(self, asked: str, problem: str) -> NoReturn:
        raise ChainSourceError(source=self.source, asked=asked, problem=problem) from None

    def _refused(self, asked: str) -> NoReturn:
        if isinstance(self._credentials, Password):
            problem = (
                "it does not accept this user and password; compare them with rpcauth or rpcuser "
                "and rpcpassword in its bitcoin.conf"
            )
        else:
            problem = (
                f"it does not accept the cookie in {self._credentials.file}; is that the file of "
                "this node?"
            )
        raise NodeRefusesLogin(source=self.source, asked=asked, problem=problem)

    def _decoded(self, status: int, raw: bytes, asked: str) -> Any:
        if status == httpx.codes.FORBIDDEN:
            self.nonsense(asked, "it does not talk to this machine; see rpcallowip in bitcoin.conf")
        try:
            return parsed_json(raw)
        except ValueError:
            self.nonsense(
                asked, f"HTTP {status} without JSON: is this the RPC port of Bitcoin Core?"
            )

    def _result(self, answer: Any, wanted_id: str | None, asked: str) -> Any:
        if not isinstance(answer, dict):
            self.nonsense(asked, "the answer is no JSON-RPC object")
        error = answer.get("error")
        if error is not None:
            number = error.get("code") if isinstance(error, dict) else None
            message = error.get("message") if isinstance(error, dict) else None
            if type(number) is not int or not isinstance(message, str):
                self.nonsense(asked, "an error without code and message")
            message = message[:300]
            raise NodeError(
                source=self.source,
                asked=asked,
                problem=f"error {number}, {message}",
                number=number,
                message=message,
            )
        if "result" not in answer:
            self.nonsense(asked, "neither a result nor an error")
        if wanted_id is not None and answer.get("id") != wanted_id:
            self.nonsense(asked, "the answer belongs to another question")
        return answer["result"]


def _request(each: str, method: str, params: Sequence[object]) -> dict[str, object]:
    # 1.0: every version of the node understands it in the same way.
    return {"jsonrpc": "1.0", "id": each, "method": method, "params": list(params)}


def _encoded(request: object) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()


def _asked(method: str, params: Sequence[object]) -> str:
    text = " ".join([method, *map(str, params)])
    return text if len(text) <= 120 else f"{text[:117]}..."


def _has_text_id(answer: object) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("id"), str)


def _warming_up(answer: object) -> str | None:
    """The node's words while it starts up, in a single answer or anywhere in a batch."""
    for each in answer if isinstance(answer, list) else [answer]:
        error = each.get("error") if isinstance(each, dict) else None
        if isinstance(error, dict) and error.get("code") == IN_WARMUP:
            return str(error.get("message"))[:100]
    return None
