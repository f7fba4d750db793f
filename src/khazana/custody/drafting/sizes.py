"""How large a wallet's transactions become once signed (rule D2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from khazana.bitcoin.descriptor import DescriptorEngine
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.standardness import dust_limit
from khazana.custody.drafting.errors import DraftRefused
from khazana.custody.drafting.rules import DraftRules
from khazana.custody.drafting.selection import Costs
from khazana.custody.drafting.spending import (
    final_of,
    input_weight,
    lock_time_of,
    placeholders,
    sequence_of,
    spend_of,
)
from khazana.custody.drafting.wallet import Place, SpendingWallet
from khazana.custody.ways import Way
from khazana.units import Sats

_FIXED = 4 * (4 + 4)  # version and lock time
_MARKER = 2  # marker and flag of a transaction with witnesses


@dataclass(frozen=True, slots=True)
class Sizes:
    """Weights of one wallet's inputs (BIP-141); every address of a wallet weighs the same."""

    input_weight: int
    segwit: bool

    def base_weight(self, inputs: int, scripts: Sequence[bytes]) -> int:
        """Everything but the inputs themselves. scripts: of the outputs."""
        counts = 4 * (len(compact_size(inputs)) + len(compact_size(len(scripts))))
        outputs = sum(map(output_weight, scripts))
        return _FIXED + counts + outputs + (_MARKER if self.segwit else 0)

    def vsize(self, inputs: int, scripts: Sequence[bytes]) -> int:
        """Virtual bytes once signed, at most."""
        weight = self.base_weight(inputs, scripts) + inputs * self.input_weight
        return -(-weight // 4)

    def costs(
        self, rules: DraftRules, *, coins: int, scripts: Sequence[bytes], change: bytes
    ) -> Costs:
        """For `selection`. coins: how many there are to choose from. change: a change script."""
        spending = rules.long_term_feerate * self.input_weight / 4
        return Costs(
            feerate=rules.feerate,
            long_term_feerate=rules.long_term_feerate,
            # One more output may need a longer count; so may more inputs than 252.
            base_weight=self.base_weight(coins, scripts) + _growth(len(scripts)),
            input_weight=self.input_weight,
            change_weight=output_weight(change),
            smallest_change=max(dust_limit(change), Sats(_up(spending))),
        )


def sizes_of(wallet: SpendingWallet, engine: DescriptorEngine, way: Way | None) -> Sizes:
    """From placeholder signatures by everybody who may sign, over the smallest way that is open.

    Another way, should the signers take it, makes a larger witness and so pays a lower rate.
    """
    spend = spend_of(wallet.descriptor, engine, Place(*_first(wallet)))
    made = placeholders(wallet.descriptor, spend, way)
    final = None
    # A preimage is assumed only where nothing can be spent without one.
    for preimages in ({}, _preimages(wallet)):
        final = final or final_of(
            wallet.descriptor,
            spend,
            made,
            sequence=sequence_of(way),
            # Locks of the way stand in it; those that need no way are open at any height.
            lock_time=lock_time_of(way, height=0),
            preimages=preimages,
        )
    if final is None:
        raise DraftRefused(
            rule="D2",
            problem=f"wallet {wallet.id} has no way to spend "
            + ("that is open at once; name one of its other ways" if way is None else "like this"),
        )
    segwit = bool(final.witness)
    return Sizes(input_weight(final, segwit=segwit), segwit)


def output_weight(script: bytes) -> int:
    return 4 * (8 + len(compact_size(len(script))) + len(script))


def _preimages(wallet: SpendingWallet) -> dict[bytes, bytes]:
    """A placeholder of 32 bytes, which miniscript asks for, behind each hash of the script."""
    tree = wallet.descriptor.tree
    parts = tree.walk() if tree is not None else ()
    hashes = [a for part in parts for a in part.arguments if isinstance(a, bytes)]
    return dict.fromkeys(hashes, bytes(32))


def _first(wallet: SpendingWallet) -> tuple[int, int]:
    return wallet.branches[0][0], 0


def _growth(outputs: int) -> int:
    return 4 * (len(compact_size(outputs + 1)) - len(compact_size(outputs)))


def _up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
