"""Running a devnet as a server on this machine."""

import socket
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from khazana.devnet.control_api import Clock
from khazana.devnet.esplora_api import create_app
from khazana.devnet.network import Devnet
from khazana.errors import KhazanaError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3002


@dataclass(eq=False, kw_only=True)
class CannotListen(KhazanaError):
    """The address or port to serve on cannot be had."""

    host: str
    port: int
    problem: str
    code = "cannot_listen"
    words = (
        "Cannot listen on {host} port {port}: {problem}. Stop the program that uses it, or choose "
        "another port."
    )


def run(
    directory: Path, *, clock: Clock, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT
) -> None:
    """Open the devnet and serve its Esplora API until the process is told to stop.

    clock: seconds since 1970 (UTC). On SIGTERM and Ctrl-C the devnet is closed by the server's
    lifespan; what follows this call may never run.
    Raises `CannotListen`, and what opening a `Devnet` raises.
    """
    devnet = Devnet(directory)
    try:
        listening = _listen(host, port)
    except BaseException:
        devnet.close()
        raise
    config = uvicorn.Config(create_app(devnet, clock), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, made here so that a port in use is an error in words."""
    if not 0 < port < 1 << 16:  # the system would silently take the lower 16 bits
        raise CannotListen(host=host, port=port, problem="ports go from 1 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        try:
            # Restarting at once must work while old connections still time out.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise CannotListen(host=host, port=port, problem=str(error)) from error
    return bound
