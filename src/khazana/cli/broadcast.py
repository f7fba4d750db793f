"""Sending a signed transaction to the network through the chain source that was chosen."""

import time
from dataclasses import dataclass

import httpx

from khazana.bitcoin.adapters.core_http import CoreRpc
from khazana.bitcoin.adapters.core_place import core_place
from khazana.bitcoin.adapters.web import TooMuch, WebAddress, fetch, open_client
from khazana.bitcoin.chain import ChainSourceError
from khazana.bitcoin.transaction import Transaction
from khazana.errors import KhazanaError

_TIMEOUT_S = 30.0
_MOST_ANSWER = 65_536


@dataclass(eq=False, kw_only=True)
class CannotSend(KhazanaError):
    """The chain source reads only."""

    kind: str
    code = "cannot_send"
    words = (
        "{kind} only reads the chain. Send through core: or esplora:, or send the transaction "
        "yourself and record it with --where."
    )


def require_sender(source: str) -> None:
    """Refuse a source that only reads the chain."""
    kind = source.partition(":")[0]
    if kind not in ("core", "esplora"):
        raise CannotSend(kind=kind[:20])


def send(source: str, transaction: Transaction) -> str:
    """Send a transaction; gives back who took it, without credentials. Nothing is tried twice."""
    require_sender(source)
    kind, _, place = source.partition(":")
    raw = transaction.serialize().hex()
    if kind == "esplora":
        return _to_esplora(WebAddress.parse(place), raw, transaction.txid)
    rpc = CoreRpc(core_place(place), sleep=time.sleep)
    try:
        said = rpc.call("sendrawtransaction", raw, repeat=False)
        _require_txid(rpc.source, said, transaction.txid)
    finally:
        rpc.close()
    return rpc.source


def _to_esplora(address: WebAddress, raw: str, txid: str) -> str:
    with open_client(address, timeout_s=_TIMEOUT_S, connections=1) as client:
        request = client.build_request("POST", f"{address.url}/tx", content=raw)
        try:
            answer = fetch(
                client,
                request,
                login=address.login,
                max_bytes=_MOST_ANSWER,
                max_seconds=_TIMEOUT_S,
            )
        except (httpx.HTTPError, TooMuch) as error:
            problem = f"nobody can say whether it was sent ({error}); look for {txid}"
            raise ChainSourceError(source=address.url, asked="POST /tx", problem=problem) from error
    said = answer.body.decode("utf-8", "replace").strip()
    if answer.status != httpx.codes.OK:
        problem = f"it was refused: status {answer.status}, {said[:300]!r}"
        raise ChainSourceError(source=address.url, asked="POST /tx", problem=problem)
    _require_txid(address.url, said, txid)
    return address.url


def _require_txid(source: str, said: object, txid: str) -> None:
    if said != txid:
        problem = f"the answer is {str(said)[:80]!r}, not the transaction's id {txid}"
        raise ChainSourceError(source=source, asked="to send a transaction", problem=problem)
