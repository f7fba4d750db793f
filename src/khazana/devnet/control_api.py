"""HTTP under /devnet: what no public server offers, because this network is ours to drive.

Requests and answers are JSON. A body must be declared as JSON: a web page elsewhere can then not
send one from a visitor's browser without being allowed to, and it is not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from khazana.bitcoin.address import address_of, script_of
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.transaction import TxOut
from khazana.devnet.network import Devnet
from khazana.devnet.requests import BodyTooLarge, read_body
from khazana.errors import KhazanaError
from khazana.units import MAX_MONEY, Sats, Txid

Clock = Callable[[], int]
"""Seconds since 1970 (UTC); chosen by whoever starts the server."""

_LARGEST_BODY = 1_000_000
_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Time = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
_Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})+$", max_length=20_000)]


@dataclass(eq=False, kw_only=True)
class BadRequest(KhazanaError):
    """A control request that cannot be understood."""

    problem: str
    code = "bad_devnet_request"
    words = "The request is not understood: {problem}."


class _Mine(msgspec.Struct, forbid_unknown_fields=True):
    """Mine blocks; to the faucet unless an address or an output script is given."""

    blocks: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 1
    address: str | None = None
    script: _Hex | None = None
    time: _Time | None = None
    spacing: Annotated[int, msgspec.Meta(ge=0, le=10_000_000)] = 600


class _Pay(msgspec.Struct, forbid_unknown_fields=True):
    """Let the faucet pay `amount` satoshis."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=int(MAX_MONEY))]
    address: str | None = None
    script: _Hex | None = None
    sat_per_vbyte: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2


class _Reorganise(msgspec.Struct, forbid_unknown_fields=True):
    """Replace the newest blocks by a longer branch."""

    depth: Annotated[int, msgspec.Meta(ge=1)]
    keep: bool = True
    leave_out: list[_Hash] = []
    time: _Time | None = None


class Control:
    """The control endpoints of one devnet."""

    def __init__(self, devnet: Devnet, clock: Clock) -> None:
        self._devnet = devnet
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/devnet", self._about, methods=["GET"]),
            Route("/devnet/mine", self._endpoint(_Mine, self._mine), methods=["POST"]),
            Route("/devnet/faucet", self._endpoint(_Pay, self._pay), methods=["POST"]),
            Route(
                "/devnet/reorganise",
                self._endpoint(_Reorganise, self._reorganise),
                methods=["POST"],
            ),
        ]

    def _about(self, _request: Request) -> Response:
        with self._devnet.lock:
            network = self._devnet.network
            return _json(
                {
                    "network": network.name,
                    "genesis": network.genesis,
                    "test": network.test,
                    "tip": _ref(self._devnet.tip()),
                    "mempool": len(self._devnet.mempool),
                    "faucet": address_of(self._devnet.faucet.script, network),
                }
            )

    def _mine(self, wanted: _Mine) -> dict[str, Any]:
        script = self._script(wanted.address, wanted.script)
        time = self._clock() if wanted.time is None else wanted.time
        # Without a time of its own a run of blocks is mined now, not into the future.
        spacing = 0 if wanted.time is None else wanted.spacing
        mined = self._devnet.mine(wanted.blocks, script, time=time, spacing=spacing)
        return {"blocks": [_ref(block) for block in mined]}

    def _pay(self, wanted: _Pay) -> dict[str, Any]:
        script = self._script(wanted.address, wanted.script)
        if script is None:
            raise BadRequest(problem="an address or a script is needed")
        output = TxOut(Sats(wanted.amount), script)
        return {"txid": self._devnet.pay([output], sat_per_vbyte=wanted.sat_per_vbyte)}

    def _reorganise(self, wanted: _Reorganise) -> dict[str, Any]:
        done = self._devnet.reorganise(
            wanted.depth,
            time=self._clock() if wanted.time is None else wanted.time,
            keep=wanted.keep,
            leave_out=[Txid(txid) for txid in wanted.leave_out],
        )
        return {
            "fork": _ref(done.fork),
            "old_tip": _ref(done.old_tip),
            "new_tip": _ref(done.new_tip),
            "waiting": list(done.waiting),
            "gone": list(done.gone),
        }

    def _script(self, address: str | None, script: str | None) -> bytes | None:
        if address is not None and script is not None:
            raise BadRequest(problem="give an address or a script, not both")
        if address is not None:
            return script_of(address, self._devnet.network)
        return None if script is None else bytes.fromhex(script)

    def _endpoint(self, kind: Any, act: Callable[[Any], dict[str, Any]]) -> Any:
        decoder = msgspec.json.Decoder(kind)

        async def endpoint(request: Request) -> Response:
            declared = request.headers.get("content-type", "").split(";")[0].strip().lower()
            if declared != "application/json":
                return _json(
                    {"code": "not_json", "message": "Send Content-Type: application/json."}, 415
                )
            try:
                wanted = decoder.decode(await read_body(request, _LARGEST_BODY) or b"{}")
                return _json(await run_in_threadpool(act, wanted))
            except BodyTooLarge as error:
                return _problem(error, 413)
            except msgspec.MsgspecError as error:
                return _problem(BadRequest(problem=str(error)), 400)
            except KhazanaError as error:
                return _problem(error, 400)

        return endpoint


def _ref(block: BlockRef) -> dict[str, Any]:
    return {"height": block.height, "hash": block.hash}


def _problem(error: KhazanaError, status: int) -> Response:
    return _json({"code": error.code, "message": str(error)}, status)


def _json(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")
