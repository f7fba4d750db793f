import signal
import subprocess
import sys

from khazana.devnet.network import Devnet
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
