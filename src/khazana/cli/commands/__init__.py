"""One module per group of commands; each registers its arguments and runs."""

from khazana.cli.commands import (
    audit,
    conditions,
    custody,
    demo,
    devnet,
    ledger,
    mining,
    office,
    orders,
    portal,
    report,
    statement,
    verifier,
    verify,
)

ALL = (
    verify,
    verifier,
    statement,
    report,
    audit,
    conditions,
    office,
    custody,
    orders,
    ledger,
    mining,
    portal,
    devnet,
    demo,
)
"""Every group, in the order `khazana --help` lists them."""
