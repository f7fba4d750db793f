"""Descriptor gaps: the unused end of a range, which must stay unused for the range to be enough."""

from collections.abc import Collection, Iterator, Sequence

from khazana.bitcoin.chain import ConfirmedTransaction
from khazana.ledger.findings import Finding
from khazana.ledger.office import DescriptorSource


def scripts_used(history: Sequence[ConfirmedTransaction]) -> frozenset[bytes]:
    """Every script that a transaction of the history pays."""
    return frozenset(output.script for c in history for output in c.transaction.outputs)


def used_in_gap(
    wallet: str, source: DescriptorSource, scripts: Sequence[bytes], used: Collection[bytes]
) -> Iterator[Finding]:
    """Rule R3: a used script among the last `gap` indexes of a branch.

    scripts: the wallet's, in the order of the source's ranges.
    """
    start = 0
    for part in source.branches:
        branch = scripts[start : start + part.stop]
        start += part.stop
        first = max(0, part.stop - source.gap)
        for index, script in enumerate(branch[first:], start=first):
            if script in used:
                text = (
                    f"index {index} of branch {part.branch} is used, within the gap of "
                    f"{source.gap} that was stated as unused: state a wider range"
                )
                yield Finding("R3", text, f"wallet {wallet}")
