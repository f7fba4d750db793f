"""Which accounts' coins an entity or perimeter counts as the state's own, block by block."""

from collections.abc import Callable, Sequence

from khazana.ledger.accounts import Perimeter, Wallet
from khazana.ledger.perimeters import MembersByHeight, as_declared, standing_at
from khazana.units import Height


class OwnMembers:
    """Whose coins a set counts as the state's own, at any height of the period."""

    def __init__(
        self, perimeter: Perimeter, wallets: Sequence[Wallet], own: Callable[[str, int], bool]
    ) -> None:
        self._declared = as_declared(perimeter, wallets)
        self._counted, self._own = MembersByHeight(self._declared), own
        self._moving: dict[int, frozenset[str]] = {}

    def counted_in(self, height: int) -> frozenset[str]:
        """Accounts whose postings in the block the set counts, whatever their lane."""
        return self._counted.at(Height(height))

    def moving_in(self, height: int) -> frozenset[str]:
        """Accounts whose postings in the block move own coins: a change counts from its end."""
        if height not in self._moving:
            names = self.counted_in(height)
            self._moving[height] = frozenset(n for n in names if self._own(n, height - 1))
        return self._moving[height]

    def standing_after(self, height: int) -> frozenset[str]:
        """Accounts whose balance at the end of the block is own coins of the set."""
        names = standing_at(self._declared, Height(height))
        return frozenset(name for name in names if self._own(name, height))
