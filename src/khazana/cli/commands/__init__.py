"""One module per group of commands; each registers its arguments and runs."""

from khazana.cli.commands import (
    accord,
    audit,
    audit_log,
    conditions,
    custody,
    demo,
    devnet,
    init,
    ledger,
    mining,
    office,
    orders,
    portal,
    report,
    solvency,
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
    init,
    office,
    custody,
    orders,
    solvency,
    ledger,
    mining,
    portal,
    accord,
    audit_log,
    devnet,
    demo,
)
"""Every group, in the order `khazana --help` lists them."""
