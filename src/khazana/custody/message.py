"""The message that the coins' own keys sign: one line that names a statement by its root."""

import re
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import Network
from khazana.units import BlockHash, Height

MOST_CHARACTERS = 330
"""What signing devices show and sign; printable ASCII without two blanks in a row."""

_LINE = re.compile(
    r"Khazana proof of control \| office: ([A-Za-z0-9][A-Za-z0-9._-]{0,63}) "
    r"\| network: ([a-z0-9]{1,16})( \(test\))? \| statement: ([0-9a-f]{64}) "
    r"\| block: (0|[1-9][0-9]{0,9}) ([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class ControlMessage:
    """What a proof of control is about.

    root: of the statement, 64 hex digits. test: the figures are invented.
    block: nobody could write this line before it was found. It is the period's closing block, or a
    later one.
    """

    office: str
    network: str
    test: bool
    root: str
    block: BlockRef

    @property
    def text(self) -> str:
        test = " (test)" if self.test else ""
        return (
            f"Khazana proof of control | office: {self.office} | network: {self.network}{test} "
            f"| statement: {self.root} | block: {self.block.height} {self.block.hash}"
        )

    def __post_init__(self) -> None:
        if not _LINE.fullmatch(self.text):
            raise ValueError(f"no message of control can say {self.text!r}")


def control_message(
    *, office: str, network: Network, test: bool, root: str, block: BlockRef
) -> ControlMessage:
    """The message of a statement, at most 330 characters of printable ASCII.

    >>> from khazana.bitcoin.network import MAINNET
    >>> line = control_message(
    ...     office="office", network=MAINNET, test=False, root="ab" * 32,
    ...     block=BlockRef(Height(900_000), BlockHash("00" * 32)),
    ... ).text
    >>> line[:61]
    'Khazana proof of control | office: office | network: mainnet '
    """
    return ControlMessage(office, network.name, test, root, block)


def read_message(text: str) -> ControlMessage | None:
    """The message in a line; None for any other text."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    office, network, test, root, height, hash_ = found.groups()
    block = BlockRef(Height(int(height)), BlockHash(hash_))
    return ControlMessage(office, network, test is not None, root, block)
