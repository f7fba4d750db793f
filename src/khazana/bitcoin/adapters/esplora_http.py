"""Requests to an Esplora server: retried with back-off, bounded, every answer checked for shape."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from khazana.bitcoin.adapters.web import (
    Answer,
    TooMuch,
    WebAddress,
    checked_hash,
    excerpt,
    fetch,
    is_hash,
    open_client,
    parsed_json,
)
from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef, ChainSourceError
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import Transaction
from khazana.units import BlockHash, Height, Txid

T = TypeVar("T")
A = TypeVar("A")

_AGAIN = (429, 500, 502, 503, 504)
_MAX_I32 = 2**31 - 1


@dataclass(frozen=True)
class EsploraLimits:
    """How much is asked at once and how long one waits.

    attempts: per request. repeats: of a whole read that a reorganisation disturbed.
    max_bytes: of one answer; the largest honest one is a page of 75 huge transactions in JSON.
    max_transactions: of one script, before a server that never ends its list is given up.
    """

    concurrency: int = 8
    timeout_s: float = 20.0
    answer_s: float = 120.0
    attempts: int = 5
    repeats: int = 3
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    retry_after_max_s: int = 120
    max_bytes: int = 32_000_000
    max_transactions: int = 500_000


class Disturbed(Exception):
    """Answers that do not fit one chain: a reorganisation came between, or the server is wrong."""

    def __init__(self, asked: str, problem: str) -> None:
        super().__init__(asked, problem)
        self.asked = asked
        self.problem = problem


@dataclass(frozen=True)
class Listed:
    """A confirmed transaction as a server lists it: its word until the proof is checked."""

    txid: Txid
    block: BlockRef


class EsploraHttp:
    """The endpoints we use, each giving a checked value, or None where the server says 404."""

    def __init__(
        self,
        address: WebAddress,
        *,
        jitter: random.Random,
        sleep: Callable[[float], None],
        limits: EsploraLimits,
    ) -> None:
        self.source = address.url
        self.limits = limits
        self._login = address.login
        self._jitter = jitter
        self._sleep = sleep
        self._client = open_client(
            address, timeout_s=limits.timeout_s, connections=limits.concurrency
        )

    def close(self) -> None:
        self._client.close()

    def pause(self, attempt: int) -> None:
        """Wait before asking again: exponential, with jitter so that clients do not march."""
        longest = min(self.limits.backoff_max_s, self.limits.backoff_s * 2.0**attempt)
        self._sleep(longest * self._jitter.uniform(0.5, 1.0))

    def for_each(self, ask: Callable[[A], T], questions: Sequence[A]) -> list[T]:
        """Ask in parallel, at most `concurrency` at once; answers in order of the questions."""
        if len(questions) < 2:
            return [ask(question) for question in questions]
        with ThreadPoolExecutor(min(self.limits.concurrency, len(questions))) as pool:
            futures = [pool.submit(ask, question) for question in questions]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def failure(self, asked: str, problem: str) -> ChainSourceError:
        return ChainSourceError(source=self.source, asked=f"GET {asked}", problem=problem)

    # Endpoints

    def hash_at(self, height: int) -> BlockHash | None:
        asked = f"/block-height/{height}"
        body = self._get(asked)
        if body is None:
            return None
        return BlockHash(self._hash(asked, body))

    def tip_hash(self) -> BlockHash:
        asked = "/blocks/tip/hash"
        return BlockHash(self._hash(asked, self._required(asked)))

    def height_of(self, block_hash: BlockHash) -> Height | None:
        """The height the server gives a block, in its best chain or not."""
        asked = f"/block/{checked_hash(block_hash)}"
        body = self._get(asked)
        if body is None:
            return None
        block = self._object(asked, self._json(asked, body))
        if block.get("id") != block_hash:
            raise self.failure(asked, "it answers about another block")
        return Height(self._whole(asked, block, "height"))

    def header(self, block_hash: BlockHash) -> Header | None:
        asked = f"/block/{checked_hash(block_hash)}/header"
        body = self._get(asked)
        if body is None:
            return None
        try:
            header = Header.parse(bytes.fromhex(body.decode("ascii").strip()))
        except (ValueError, MalformedBytes) as error:
            raise self.failure(asked, f"not a header of 80 bytes in hex: {error}") from error
        if header.hash != block_hash:
            raise self.failure(asked, f"the header's own hash is {header.hash}")
        return header

    def headers_below(self, height: int) -> list[tuple[Height, Header]]:
        """Ten headers or so, newest first, each hashed anew from its fields."""
        asked = f"/blocks/{height}"
        body = self._get(asked)
        if body is None:
            raise Disturbed(asked, "the server has no block there (404)")
        blocks = self._list(asked, self._json(asked, body))
        return [self._header_of_fields(asked, self._object(asked, block)) for block in blocks]

    def listed(self, script_hash: str, last: Txid | None) -> list[Listed]:
        """A page of a script's confirmed transactions, newest first; `last` ends the one before."""
        asked = f"/scripthash/{script_hash}/txs"
        if last is not None:
            asked += f"/chain/{checked_hash(last)}"
        entries = self._list(asked, self._json(asked, self._required(asked)))
        page = []
        for entry in entries:
            fields = self._object(asked, entry)
            status = self._object(asked, fields.get("status"))
            confirmed = status.get("confirmed")
            if not isinstance(confirmed, bool):
                raise self.failure(asked, "a transaction's status.confirmed is not true or false")
            txid = self._hash_field(asked, fields, "txid")
            if confirmed:
                height = Height(self._whole(asked, status, "block_height"))
                block_hash = BlockHash(self._hash_field(asked, status, "block_hash"))
                page.append(Listed(Txid(txid), BlockRef(height, block_hash)))
        return page

    def transaction(self, txid: Txid) -> Transaction | None:
        asked = f"/tx/{checked_hash(txid)}/raw"
        body = self._get(asked)
        if body is None:
            return None
        try:
            transaction = Transaction.parse(body)
        except MalformedBytes as error:
            raise self.failure(asked, str(error)) from error
        if transaction.txid != txid:
            raise self.failure(asked, f"the bytes are of another transaction, {transaction.txid}")
        return transaction

    def merkle_proof(self, txid: Txid) -> tuple[Height, int, tuple[bytes, ...]] | None:
        """Height, position in the block, and branch from the transaction up."""
        asked = f"/tx/{checked_hash(txid)}/merkle-proof"
        body = self._get(asked)
        if body is None:
            return None
        proof = self._object(asked, self._json(asked, body))
        siblings = self._list(asked, proof.get("merkle"))
        if not all(is_hash(sibling) for sibling in siblings):
            raise self.failure(asked, "merkle is not a list of hashes")
        return (
            Height(self._whole(asked, proof, "block_height")),
            self._whole(asked, proof, "pos"),
            tuple(bytes.fromhex(sibling)[::-1] for sibling in siblings),
        )

    def txids(self, block_hash: BlockHash) -> tuple[Txid, ...] | None:
        asked = f"/block/{checked_hash(block_hash)}/txids"
        body = self._get(asked)
        if body is None:
            return None
        txids = self._list(asked, self._json(asked, body))
        if not txids or not all(is_hash(txid) for txid in txids):
            raise self.failure(asked, "not a list of transaction ids")
        return tuple(Txid(txid) for txid in txids)

    # One request

    def _required(self, asked: str) -> bytes:
        body = self._get(asked)
        if body is None:
            raise self.failure(asked, "not found (404). Is this the address of an Esplora API?")
        return body

    def _get(self, asked: str) -> bytes | None:
        problem = ""
        for attempt in range(self.limits.attempts):
            try:
                answer = self._once(asked)
            except httpx.HTTPError as error:
                problem = f"{type(error).__name__} {error}".strip()
                self._pause_unless_last(attempt)
                continue
            except TooMuch as error:
                raise self.failure(asked, str(error)) from error
            if answer.status == 200:
                return answer.body
            if answer.status == 404:
                return None
            problem = f"HTTP {answer.status} {excerpt(answer.body)}".strip()
            if answer.status not in _AGAIN:
                raise self.failure(asked, problem)
            wait = answer.retry_after_s
            if wait is None:
                self._pause_unless_last(attempt)
            elif wait > self.limits.retry_after_max_s:
                raise self.failure(asked, f"{problem}; the server wants {wait} s of rest")
            elif attempt + 1 < self.limits.attempts:
                self._sleep(wait)
        raise self.failure(asked, f"{problem} (asked {self.limits.attempts} times)")

    def _once(self, asked: str) -> Answer:
        return fetch(
            self._client,
            self._client.build_request("GET", self.source + asked),
            login=self._login,
            max_bytes=self.limits.max_bytes,
            max_seconds=self.limits.answer_s,
        )

    def _pause_unless_last(self, attempt: int) -> None:
        if attempt + 1 < self.limits.attempts:
            self.pause(attempt)

    # Shapes

    def _json(self, asked: str, body: bytes) -> Any:
        try:
            return parsed_json(body)
        except ValueError as error:
            raise self.failure(asked, f"not JSON: {excerpt(body)!r}") from error

    def _object(self, asked: str, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.failure(asked, "a JSON object is expected where something else stands")
        return value

    def _list(self, asked: str, value: object) -> list[Any]:
        if not isinstance(value, list):
            raise self.failure(asked, "a JSON list is expected where something else stands")
        return value

    def _whole(
        self, asked: str, fields: dict[str, Any], name: str, *, least: int = 0, most: int = _MAX_I32
    ) -> int:
        value = fields.get(name)
        if type(value) is not int or not least <= value <= most:
            raise self.failure(asked, f"{name} is not a whole number from {least} to {most}")
        return value

    def _hash_field(self, asked: str, fields: dict[str, Any], name: str) -> str:
        value = fields.get(name)
        if not isinstance(value, str) or not is_hash(value):
            raise self.failure(asked, f"{name} is not a hash in hex")
        return value

    def _hash(self, asked: str, body: bytes) -> str:
        text = body.decode("ascii", "replace").strip()
        if not is_hash(text):
            raise self.failure(asked, f"not a hash in hex: {excerpt(body)!r}")
        return text

    def _header_of_fields(self, asked: str, block: dict[str, Any]) -> tuple[Height, Header]:
        u32 = 2**32 - 1
        height = Height(self._whole(asked, block, "height"))
        # The genesis block stands on nothing; servers say so by null or by leaving it out.
        previous = (
            "00" * 32
            if height == 0 and block.get("previousblockhash") is None
            else self._hash_field(asked, block, "previousblockhash")
        )
        version = self._whole(asked, block, "version", least=-(2**31), most=u32)
        header = Header(
            version=version - 2**32 if version > _MAX_I32 else version,
            previous=BlockHash(previous),
            merkle_root_le=bytes.fromhex(self._hash_field(asked, block, "merkle_root"))[::-1],
            time=self._whole(asked, block, "timestamp", most=u32),
            bits=self._whole(asked, block, "bits", most=u32),
            nonce=self._whole(asked, block, "nonce", most=u32),
        )
        if header.hash != block.get("id"):
            raise self.failure(
                asked, f"the fields of block {height} hash to {header.hash}, not to its id"
            )
        return height, header
