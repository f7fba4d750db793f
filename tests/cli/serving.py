"""A devnet served over HTTP in this process, for commands that want a chain source."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from khazana.devnet.esplora_api import create_app
from khazana.devnet.network import Devnet


@contextmanager
def served(devnet: Devnet) -> Iterator[str]:
    """The address of an Esplora API over an open devnet; the devnet is closed at the end."""
    # The protocol is named so that asyncio turns Nagle's algorithm off: it would wait 40 ms a time.
    with socket.socket(proto=socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(create_app(devnet, lambda: 0), log_level="error", access_log=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)
