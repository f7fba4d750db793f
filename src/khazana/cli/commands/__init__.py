"""One module per group of commands; each registers its arguments and runs."""

from khazana.cli.commands import audit, conditions, demo, devnet, ledger, office, statement, verify

ALL = (verify, statement, audit, conditions, office, ledger, devnet, demo)
"""Every group, in the order `khazana --help` lists them."""
