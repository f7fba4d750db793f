"""The demo's Esplora API: served from this process, from the first block on."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from khazana.devnet.control_api import Clock
from khazana.devnet.esplora_api import create_app
from khazana.devnet.network import Devnet
from khazana.errors import KhazanaError

HOST = "127.0.0.1"
_START_SECONDS = 20
_STEP = 0.02


@dataclass(eq=False, kw_only=True)
class PortTaken(KhazanaError):
    """Somebody else listens where the demo should."""

    port: int
    option: str
    problem: str
    code = "port_taken"
    words = (
        "Port {port} of this machine cannot be had: {problem}. Stop what listens there (an earlier "
        "demo?), or choose another with {option}; 0 takes any free one."
    )


@dataclass(eq=False, kw_only=True)
class ServerDidNotStart(KhazanaError):
    """The Esplora API did not come up."""

    url: str
    code = "server_did_not_start"
    words = "The Esplora API on {url} did not start; nothing was verified."


def listening_socket(port: int, *, option: str = "--port") -> socket.socket:
    """A socket that holds the port, before any work is done in vain. port 0: any free one.

    option: by which it can be chosen, for whoever reads the refusal.
    """
    # asyncio turns Nagle's delay off only where the protocol is named: 40 ms an answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise PortTaken(port=port, option=option, problem=reason.lower()) from error
    return listening


def url_of(listening: socket.socket) -> str:
    return f"http://{HOST}:{listening.getsockname()[1]}"


@contextmanager
def served(devnet: Devnet, listening: socket.socket, clock: Clock) -> Iterator[threading.Thread]:
    """Serve the devnet's Esplora API while inside; the devnet is closed on leaving.

    Gives the serving thread, to wait for.
    """
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(devnet, clock),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        for _ in range(int(_START_SECONDS / _STEP)):
            if server.started or not thread.is_alive():
                break
            time.sleep(_STEP)
        if not server.started:
            raise ServerDidNotStart(url=url_of(listening))
        yield thread
    finally:
        server.should_exit = True
        thread.join()
        devnet.close()
