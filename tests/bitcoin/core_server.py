"""A Bitcoin Core node's JSON-RPC over a SimulatedChain, on 127.0.0.1.

The recorded transcripts fix the shape: `{"result":…,"error":…,"id":…}` and a line feed, HTTP 500
for errors, 404 for unknown methods, 401 without a body.
"""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from khazana.bitcoin.address import script_of
from khazana.bitcoin.block import Block
from khazana.bitcoin.headers import median_time_past
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.bitcoin.work import target_of, work_of
from tests.shared import shared_file

USER, PASSWORD = "khazana", "s3cret-of-the-node"
INDEX = "basic block filter index"


def transcript(name: str) -> dict[str, Any]:
    """One recorded request with its answer."""
    recorded: dict[str, Any] = json.loads(
        shared_file(f"vectors/core-rpc/{name}.json").read_text("utf-8")
    )
    return recorded


def recorded_result(name: str) -> Any:
    """The result in a recorded answer."""
    return json.loads(transcript(name)["response_text"])["result"]


def recorded_chain() -> SimulatedChain:
    """The recorded node's whole chain."""
    blocks = json.loads(shared_file("vectors/core-rpc/chain.json").read_text("utf-8"))["blocks"]
    return SimulatedChain.of_blocks(bytes.fromhex(block) for block in blocks)


def recorded_scripts() -> list[bytes]:
    """The scripts of its four addresses: P2PKH, P2SH-P2WPKH, P2WPKH, P2TR."""
    found = json.loads(shared_file("vectors/core-rpc/chain.json").read_text("utf-8"))
    return [script_of(address, REGTEST) for address in found["addresses"]]


class Fault(Exception):
    """A JSON-RPC error, as the node says it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


@dataclass
class Raw:
    """An answer given as bytes, whatever they are."""

    status: int
    body: bytes


@dataclass
class CoreNode:
    """What the server knows, and how a test makes it misbehave.

    before: called with each method and its parameters before it is answered.
    special: by method, an answer other than the chain's: it may return a result or `Raw`, raise
    `Fault`, or return NotImplemented to let the chain answer.
    played: recorded transcripts still to be played, once each, for any request that asks the same.
    first: whole HTTP answers for the next requests, whatever they ask.
    """

    chain: SimulatedChain
    login: str = f"{USER}:{PASSWORD}"
    before: Callable[[str, list[Any]], None] | None = None
    special: dict[str, Callable[..., Any]] = field(default_factory=dict)
    played: list[dict[str, Any]] = field(default_factory=list)
    first: list[Raw] = field(default_factory=list)
    index: bool = True
    indexed: int | None = None
    false_positives: list[int] = field(default_factory=list)
    asked: list[tuple[str, list[Any]]] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    _filters: dict[str, set[bytes]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """What to write after `core:`."""
        return self.url.replace("http://", f"http://{USER}:{PASSWORD}@")

    def play(self, *names: str) -> None:
        self.played += [transcript(name) for name in names]

    def play_next(self, name: str) -> None:
        """The recorded HTTP answer for the next request, whatever that asks."""
        recorded = transcript(name)
        self.first.append(Raw(recorded["http_status"], recorded["response_text"].encode()))

    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def answer(self, body: bytes, authorization: str | None) -> Raw:
        """One HTTP request, as the node answers it."""
        expected = "Basic " + base64.b64encode(self.login.encode()).decode()
        if authorization != expected:
            return Raw(401, b"")
        with self.lock:
            request = json.loads(body)
            if isinstance(request, list):
                if self.first:
                    return self.first.pop(0)
                answers = [self._one(each) for each in request]
                raw = next((a for a in answers if isinstance(a, Raw)), None)
                return raw or Raw(200, _json([text for _, text in answers]))
            if self.first:
                self.asked.append((request["method"], request["params"]))
                return self.first.pop(0)
            found = self._one(request)
            return found if isinstance(found, Raw) else Raw(found[0], _json(found[1]))

    def _one(self, request: dict[str, Any]) -> Any:
        """HTTP status and answer object of one call, or Raw."""
        method, params = request["method"], request["params"]
        self.asked.append((method, params))
        if self.before is not None:
            self.before(method, params)
        for recorded in self.played:
            if _same(recorded["request"], request):
                self.played.remove(recorded)
                answer = json.loads(recorded["response_text"])
                return recorded["http_status"], {**answer, "id": request["id"]}
        try:
            result = NotImplemented
            if method in self.special:
                result = self.special[method](*params)
            if result is NotImplemented:
                result = self._of_chain(method, params)
        except Fault as fault:
            error = {"code": fault.code, "message": fault.message}
            status = 404 if fault.code == -32601 else 500
            return status, {"result": None, "error": error, "id": request["id"]}
        if isinstance(result, Raw):
            return result
        return 200, {"result": result, "error": None, "id": request["id"]}

    def _of_chain(self, method: str, params: list[Any]) -> Any:
        answers: dict[str, Callable[..., Any]] = {
            "getblockchaininfo": self._info,
            "getblockcount": lambda: len(self.chain.blocks) - 1,
            "getblockhash": self._hash,
            "getblockheader": self._header,
            "getblock": self._block,
            "getindexinfo": self._index_info,
            "scanblocks": self._scan,
        }
        if method not in answers:
            raise Fault(-32601, "Method not found")
        return answers[method](*params)

    def _info(self) -> dict[str, Any]:
        tip = self.chain.blocks[-1]
        height = len(self.chain.blocks) - 1
        shared = self._described(height)
        return {
            "chain": "regtest",
            "blocks": height,
            "headers": height,
            "bestblockhash": tip.hash,
            **{key: shared[key] for key in ("bits", "target", "difficulty", "time", "mediantime")},
            "verificationprogress": 1,
            "initialblockdownload": False,
            "chainwork": shared["chainwork"],
            "size_on_disk": sum(len(block.serialize()) + 8 for block in self.chain.blocks),
            "pruned": False,
            "warnings": [],
        }

    def _hash(self, height: int) -> str:
        if not 0 <= height < len(self.chain.blocks):
            raise Fault(-8, "Block height out of range")
        return self.chain.blocks[height].hash

    def _header(self, block_hash: str, verbose: bool = True) -> Any:
        if not verbose:
            return self._find(block_hash).header.serialize().hex()
        for height, block in enumerate(self.chain.blocks):
            if block.hash == block_hash:
                return self._described(height)
        stale = self._find(block_hash)
        heights = {block.hash: height for height, block in enumerate(self.chain.blocks)}
        above, below = 1, stale.header.previous
        while below not in heights:
            above, below = above + 1, self._find(below).header.previous
        return {"hash": block_hash, "confirmations": -1, "height": heights[below] + above}

    def _described(self, height: int) -> dict[str, Any]:
        blocks = self.chain.blocks
        block, header = blocks[height], blocks[height].header
        told = {
            "hash": block.hash,
            "confirmations": len(blocks) - height,
            "height": height,
            "version": header.version,
            "versionHex": f"{header.version:08x}",
            "merkleroot": header.merkle_root_le[::-1].hex(),
            "time": header.time,
            "mediantime": median_time_past(
                [b.header for b in blocks[max(0, height - 10) : height + 1]]
            ),
            "nonce": header.nonce,
            "bits": f"{header.bits:08x}",
            "target": f"{target_of(header.bits):064x}",
            "difficulty": _difficulty(header.bits),
            "chainwork": f"{sum(work_of(b.header.bits) for b in blocks[: height + 1]):064x}",
            "nTx": len(block.transactions),
        }
        if height:
            told["previousblockhash"] = header.previous
        if height + 1 < len(blocks):
            told["nextblockhash"] = blocks[height + 1].hash
        return told

    def _find(self, block_hash: str) -> Block:
        for block in (*self.chain.blocks, *self.chain.stale):
            if block.hash == block_hash:
                return block
        raise Fault(-5, "Block not found")

    def _block(self, block_hash: str, verbosity: int = 1) -> str:
        block = self._find(block_hash)
        if verbosity != 0:
            raise NotImplementedError("this server has raw blocks only")
        return block.serialize().hex()

    def _index_info(self) -> dict[str, Any]:
        if not self.index:
            return {}
        tip = len(self.chain.blocks) - 1
        reached = tip if self.indexed is None else self.indexed
        return {INDEX: {"synced": reached >= tip, "best_block_height": reached}}

    def _scan(self, action: str, descriptors: Sequence[str], first: int, last: int) -> Any:
        if not self.index:
            raise Fault(-1, "Index is not enabled for filtertype basic")
        if not 0 <= first <= last < len(self.chain.blocks):
            raise Fault(-1, "Invalid stop_height")
        wanted = {_script(descriptor) for descriptor in descriptors}
        reached = len(self.chain.blocks) - 1 if self.indexed is None else self.indexed
        # As recorded: where the index does not reach the last block, nothing, and no error.
        relevant = [
            block.hash
            for height, block in enumerate(self.chain.blocks)
            if first <= height <= last <= reached
            and (height in self.false_positives or wanted & self._filter(height))
        ]
        return {
            "from_height": first,
            "to_height": last,
            "relevant_blocks": relevant,
            "completed": True,
        }

    def _filter(self, height: int) -> set[bytes]:
        """What BIP-158 puts into a block's filter: scripts paid to, and scripts spent from."""
        block = self.chain.blocks[height]
        known = self._filters.get(block.hash)
        if known is not None:
            return known
        paid = {o.script for tx in block.transactions for o in tx.outputs}
        scripts = {script for script in paid if script[:1] not in (b"", b"\x6a")}
        outputs = {
            tx.outpoint(vout): output.script
            for each in self.chain.blocks[: height + 1]
            for tx in each.transactions
            for vout, output in enumerate(tx.outputs)
        }
        spent = [i.outpoint for tx in block.transactions[1:] for i in tx.inputs]
        scripts |= {outputs[o] for o in spent if outputs.get(o)}
        self._filters[block.hash] = scripts
        return scripts


@contextmanager
def serve(node: CoreNode) -> Iterator[CoreNode]:
    """Answer on a free port of this machine while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = node.answer(body, self.headers.get("Authorization"))
            self.send_response(answer.status)
            if answer.status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="jsonrpc"')
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    node.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _difficulty(bits: int) -> float:
    """As the node computes it, so that the digits agree (Bitcoin Core, rpc/blockchain.cpp)."""
    difficulty = 0xFFFF / (bits & 0xFF_FFFF)
    difficulty *= 256.0 ** (29 - (bits >> 24))
    return float(f"{difficulty:.16g}")


def _same(recorded: dict[str, Any], asked: dict[str, Any]) -> bool:
    return _meaning(recorded) == _meaning(asked)


def _meaning(request: dict[str, Any]) -> list[Any]:
    """What is asked: addr(A) and raw(HEX) are alike, and a default may be left out."""
    params = list(request["params"])
    if request["method"] in ("getblock", "getblockheader") and len(params) == 1:
        params.append(True)
    plain = [frozenset(map(_script, p)) if isinstance(p, list) else p for p in params]
    return [request["method"], *plain]


def _script(descriptor: str) -> bytes:
    kind, _, inner = descriptor.removesuffix(")").partition("(")
    return bytes.fromhex(inner) if kind == "raw" else script_of(inner, REGTEST)
