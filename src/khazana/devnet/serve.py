"""Running a devnet as a server on this machine."""

from pathlib import Path

import uvicorn

from khazana.devnet.control_api import Clock
from khazana.devnet.esplora_api import create_app
from khazana.devnet.network import Devnet

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3002


def run(
    directory: Path, *, clock: Clock, host: str = DEFAULT_HOST, port: int = DEFAULT_PORT
) -> None:
    """Open the devnet and serve its Esplora API until the process is told to stop.

    clock: seconds since 1970 (UTC). On SIGTERM and Ctrl-C the devnet is closed by the server's
    lifespan; what follows this call may never run. Raises what `Devnet` raises.
    """
    app = create_app(Devnet(directory), clock)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
