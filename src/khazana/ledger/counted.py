"""What another publisher, a state or a supervised provider, counts as its own at one block."""

from collections.abc import Mapping
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What a statement of a state or of a provider counts, so that no coin stands in two.

    coins: outpoint to wallet, at the end of `block`. withheld: some of it is not shown.
    """

    name: str
    fingerprint: str | None
    root: str
    genesis: str
    block: BlockRef
    coins: Mapping[str, str]
    scripts: Mapping[str, str]
    withheld: bool
