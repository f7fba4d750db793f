"""Reading an office's description and asking the chain for its blocks and scripts."""

from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.chains import block_of
from khazana.ledger.office import Office, OfficeFile
from khazana.ledger.office_file import load_office
from khazana.ledger.resolve import resolve, scripts_by
from khazana.ledger.shipped import shipped_office

SHIPPED_PREFIX = "shipped:"


def office_file(name: str) -> OfficeFile:
    """The description in office.toml, or one that comes with Khazana (`shipped:NAME`)."""
    if name.startswith(SHIPPED_PREFIX):
        return shipped_office(name.removeprefix(SHIPPED_PREFIX))
    return load_office(Path(name))


def resolved(file: OfficeFile, chain: ChainView) -> Office:
    """The office with its blocks found in the chain and its scripts derived."""
    return resolve(
        file,
        lambda name: block_of(chain, name, timezone=file.rules.timezone),
        scripts_by(best_engine(), file.network),
    )
