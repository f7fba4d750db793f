"""`khazana accord`: what two offices agree on, and how each verifies the other."""

import argparse

from khazana.cli.commands import (
    accord_agreement,
    accord_publish,
    accord_pull,
    accord_rules,
    accord_show,
    accord_stamp,
    accord_witness,
)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("accord", help="two offices that verify each other")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    accord_publish.register(actions)
    accord_pull.register(actions)
    accord_witness.register(actions)
    accord_show.register(actions)
    accord_stamp.register(actions)
    accord_agreement.register(actions)
    accord_rules.register(actions)
