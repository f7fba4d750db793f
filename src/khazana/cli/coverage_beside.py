"""Another publisher's statement, a state's or a provider's, as what it counts as its own."""

from pathlib import Path

from khazana.cli.files import MOST_STATEMENT_BYTES, naming, read_bytes
from khazana.ledger.counted import Counted
from khazana.reserve.counting import counted_by_state
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.supervision.coverage.counting import counted_by_provider
from khazana.supervision.coverage.reading import is_coverage, read_coverage


def counted_in(path: Path) -> Counted:
    """The coins and scripts in a file; FileRefused says what is wrong with it."""
    found = beside_a_state(path)
    if isinstance(found, Counted):
        return found
    with naming(path):
        return counted_by_state(found)


def beside_a_state(path: Path) -> ReserveStatement | Counted:
    """What a state's statement is compared with: another state's as it is, or a provider's."""
    raw = read_bytes(path, most=MOST_STATEMENT_BYTES)
    with naming(path):
        if is_coverage(raw):
            return counted_by_provider(read_coverage(raw))
        return read_reserve_statement(raw)
