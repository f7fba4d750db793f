import signal
import socket
import subprocess
import sys

import pytest

from khazana.devnet.network import Devnet
from khazana.devnet.serve import CannotListen, run
from tests.devnet.keys import T0
from tests.devnet.server_process import ROOT, Servers


def test_a_second_process_is_refused_by_name_and_the_first_goes_on(tmp_path):
    program = (
        "import sys; from pathlib import Path; from khazana.devnet.network import Devnet\n"
        "Devnet(Path(sys.argv[1]))"
    )
    with Servers() as servers:
        server = servers.start(tmp_path, clock=T0)
        second = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env={"PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert f"The devnet in {tmp_path} is open in process {server.pid}" in second.stderr
        mined = server.client.post("/devnet/mine", json={}).json()
        assert mined["blocks"][0]["height"] == 1
        server.signal(signal.SIGTERM)
        servers.ended(server)


def test_sigterm_closes_the_devnet_and_leaves_it_whole(tmp_path):
    with Servers() as servers:
        server = servers.start(tmp_path, clock=T0)
        server.client.post("/devnet/mine", json={"blocks": 7})
        server.signal(signal.SIGTERM)
        assert servers.ended(server) in (0, -signal.SIGTERM)
    with Devnet(tmp_path) as devnet:
        assert devnet.tip().height == 7
        assert devnet.cut is None


def test_a_port_in_use_is_refused_in_words_and_the_directory_is_free_again(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1 port {port}") as refused:
            run(tmp_path, clock=lambda: T0, port=port)
    assert refused.value.port == port
    with Devnet(tmp_path) as devnet:
        assert devnet.tip().height == 0


@pytest.mark.parametrize("port", [-1, 0, 65_536, 70_000])
def test_a_port_that_cannot_be_is_refused_in_words(tmp_path, port):
    with pytest.raises(CannotListen, match="1 to 65535"):
        run(tmp_path, clock=lambda: T0, port=port)
