"""For every test: the same examples on each run, and no connection that leaves this machine."""

import ipaddress
import sys
from typing import Any

from hypothesis import settings

settings.register_profile("khazana", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("khazana")


def _stays_here(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        text = host.decode() if isinstance(host, (bytes, bytearray)) else str(host)
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _refuse_the_network(event: str, args: tuple[Any, ...]) -> None:
    """Python's own connections only; a wheel's compiled code does not report to audit hooks."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    if not _stays_here(host):
        raise RuntimeError(f"a test asked for {host!r}: tests stay on 127.0.0.1")


sys.addaudithook(_refuse_the_network)
