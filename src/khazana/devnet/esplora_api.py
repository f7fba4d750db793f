"""The devnet over HTTP, as an Esplora server: what BDK and every Esplora client talk to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from khazana.devnet.control_api import Clock, Control
from khazana.devnet.esplora_answers import Answers, Refusal
from khazana.devnet.network import Devnet
from khazana.devnet.requests import BodyTooLarge, read_body
from khazana.devnet.wal import DiskWriteFailed

_LARGEST_BROADCAST = 2 * 4_000_000 + 1_000  # a block's worth of bytes in hex

Answer = Callable[..., Any]


def create_app(devnet: Devnet, clock: Clock) -> Starlette:
    """The server of an open devnet, which is closed when the server stops.

    clock: seconds since 1970 (UTC), for blocks mined on demand.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # Here, not after the server has run: uvicorn raises SIGTERM again when it is done, and
        # nothing behind its `run` is reached.
        try:
            yield
        finally:
            devnet.close()

    answers = Answers(devnet)

    async def broadcast(request: Request) -> Response:
        try:
            body = await read_body(request, _LARGEST_BROADCAST)
        except BodyTooLarge as error:
            return PlainTextResponse(str(error), 413)
        text = body.decode("ascii", "replace")
        return await run_in_threadpool(_answered, devnet, answers.broadcast, text)

    routes = [_route(devnet, path, answer) for path, answer in _questions(answers)]
    routes.append(Route("/tx", broadcast, methods=["POST"]))
    routes += Control(devnet, clock).routes()
    return Starlette(routes=routes, lifespan=lifespan)


def _questions(answers: Answers) -> list[tuple[str, Answer]]:
    """Every path that is asked with GET, and who answers. The first that fits is taken."""
    questions: list[tuple[str, Answer]] = [
        ("/blocks", answers.blocks),
        ("/blocks/tip/height", answers.tip_height),
        ("/blocks/tip/hash", answers.tip_hash),
        ("/blocks/{start}", answers.blocks),
        ("/block-height/{height}", answers.hash_at),
        ("/block/{block_hash}", answers.block),
        ("/block/{block_hash}/status", answers.block_status),
        ("/block/{block_hash}/header", answers.block_header),
        ("/block/{block_hash}/raw", answers.block_raw),
        ("/block/{block_hash}/txids", answers.block_txids),
        ("/block/{block_hash}/txid/{position}", answers.block_txid),
        ("/block/{block_hash}/txs", answers.block_transactions),
        ("/block/{block_hash}/txs/{start}", answers.block_transactions),
        ("/tx/{txid}", answers.transaction),
        ("/tx/{txid}/status", answers.transaction_status),
        ("/tx/{txid}/hex", answers.transaction_hex),
        ("/tx/{txid}/raw", answers.transaction_raw),
        ("/tx/{txid}/merkle-proof", answers.merkle_proof),
        ("/tx/{txid}/outspend/{vout}", answers.outspend),
        ("/tx/{txid}/outspends", answers.outspends),
        ("/mempool", answers.mempool),
        ("/mempool/txids", answers.mempool_txids),
        ("/mempool/recent", answers.mempool_recent),
        ("/fee-estimates", answers.fee_estimates),
    ]
    for kind, find in (
        ("scripthash", answers.script_of_hash),
        ("address", answers.script_of_address),
    ):
        about = f"/{kind}/{{name}}"
        questions += [
            (about, _stats(kind, find, answers)),
            (f"{about}/txs", _found(find, answers.script_transactions)),
            (f"{about}/txs/mempool", _found(find, answers.script_waiting)),
            (f"{about}/txs/chain", _found(find, answers.script_chain)),
            (f"{about}/txs/chain/{{after}}", _found(find, answers.script_chain)),
            (f"{about}/utxo", _found(find, answers.script_coins)),
        ]
    return questions


def _found(find: Callable[[str], bytes | None], answer: Answer) -> Answer:
    """Answer about the script that a path names by its hash or its address."""

    def answered(name: str, **more: str) -> Any:
        return answer(find(name), **more)

    return answered


def _stats(kind: str, find: Callable[[str], bytes | None], answers: Answers) -> Answer:
    def answered(name: str) -> Any:
        return {kind: name, **answers.script_stats(find(name))}

    return answered


def _route(devnet: Devnet, path: str, answer: Answer) -> Route:
    # Not a coroutine: Starlette runs it in a thread, so a slow answer holds nobody else up.
    def endpoint(request: Request) -> Response:
        return _answered(devnet, answer, **request.path_params)

    return Route(path, endpoint, methods=["GET"])


def _answered(devnet: Devnet, answer: Answer, *arguments: str, **more: str) -> Response:
    """Text as text, bytes as bytes, everything else as JSON; refusals with their status."""
    try:
        with devnet.lock:
            content = answer(*arguments, **more)
    except Refusal as refusal:
        return PlainTextResponse(refusal.text, refusal.status)
    except DiskWriteFailed as error:
        return PlainTextResponse(str(error), 503)
    if isinstance(content, str):
        return PlainTextResponse(content)
    if isinstance(content, bytes):
        return Response(content, media_type="application/octet-stream")
    return Response(msgspec.json.encode(content), media_type="application/json")
