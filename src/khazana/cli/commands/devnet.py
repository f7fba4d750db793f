"""`khazana devnet`: an embedded test network with an Esplora API."""

import argparse
from pathlib import Path

from khazana.cli.clock import now
from khazana.cli.extras import needs_extra
from khazana.statement.checks import TEST_NOTICE


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("devnet", help="run an embedded test network")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    run_parser = actions.add_parser("run", help="serve its Esplora API until stopped")
    run_parser.add_argument("--dir", metavar="DIR", type=Path, required=True)
    run_parser.add_argument("--port", type=int, default=3002)
    run_parser.add_argument(
        "--host", default="127.0.0.1", help="listen elsewhere than on this machine only"
    )
    run_parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with needs_extra("devnet"):
        from khazana.devnet.serve import run as serve
    print(f"Esplora API on http://{args.host}:{args.port}, {TEST_NOTICE}", flush=True)
    serve(args.dir, clock=lambda: int(now().timestamp()), host=args.host, port=args.port)
    return 0
