"""`khazana mining`: claims about mining against the chain, and the evidence of sites."""

import argparse

from khazana.cli.commands import mining_claims, mining_evidence, mining_sites, mining_stamps


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("mining", help="from megawatt-hours to bitcoin that arrived")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    mining_claims.register(actions)
    mining_evidence.register(actions)
    mining_stamps.register(actions)
    mining_sites.register(actions)
