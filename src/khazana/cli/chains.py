"""From what people type to a chain and its blocks."""

import argparse
from zoneinfo import ZoneInfo

from khazana.bitcoin.adapters.source import open_chain
from khazana.bitcoin.block_names import block_named
from khazana.bitcoin.chain import BlockRef, ChainView

CHAIN_HELP = (
    "where to ask about the chain: blocks:DIR (your node's block files), core:URL or core:DATADIR "
    "(your node), esplora:URL (somebody's server)"
)


def add_chain_argument(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--chain", metavar="SOURCE", required=required, help=CHAIN_HELP)


def chain_of(args: argparse.Namespace) -> ChainView:
    """The chain source named by --chain."""
    return open_chain(args.chain)


def block_of(chain: ChainView, name: str, *, timezone: str) -> BlockRef:
    """The block with this name: a height, a hash, a date in the office's zone, or tip-N."""
    return block_named(chain, name, zone=ZoneInfo(timezone))
