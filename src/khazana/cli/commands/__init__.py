"""One module per group of commands; each registers its arguments and runs."""

from khazana.cli.commands import (
    audit,
    conditions,
    custody,
    demo,
    devnet,
    ledger,
    office,
    orders,
    portal,
    statement,
    verify,
)

ALL = (verify, statement, audit, conditions, office, custody, orders, ledger, portal, devnet, demo)
"""Every group, in the order `khazana --help` lists them."""
