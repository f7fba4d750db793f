"""A deadline that a server cannot move: the connection is cut when it has passed.

A timeout of reading begins anew with every byte, so that one byte a second is never too late.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any


class Connection:
    """The connection of a client that has one at a time, by a handle of our own on its socket."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def seen(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx tells of a request ("trace"); a new connection takes the old one's place."""
        if event != "connection.connect_tcp.complete":
            return
        self.close()
        opened = info["return_value"].get_extra_info("socket")
        # TLS takes the socket itself away from its first owner; this handle stays.
        self._socket = socket.socket(fileno=os.dup(opened.fileno()))

    @contextlib.contextmanager
    def cut_after(self, seconds: float) -> Iterator[None]:
        """Whatever is being waited for inside ends with an error of the connection by then."""
        timer = threading.Timer(max(seconds, 0.0), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close(self) -> None:
        """Give our handle back; the connection is its owner's."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _cut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
