"""Bitcoin Core's own code as the second judge, where py-bitcoinkernel is installed."""

from collections.abc import Sequence

from khazana.bitcoin.bip322.verify import Consensus
from khazana.bitcoin.transaction import Transaction, TxOut


def kernel_consensus() -> Consensus | None:
    """The judge to hand to `verify`, or None in an environment without the kernel.

    It knows consensus only, so it never stands alone: BIP-322 forbids much that consensus allows.
    """
    try:
        from khazana.bitcoin.kernel_scripts import first_bad_input
    except ModuleNotFoundError as absent:
        if (absent.name or "").partition(".")[0] != "pbk":
            raise
        return None

    def judge(transaction: Transaction, spent: Sequence[TxOut]) -> int | None:
        return first_bad_input(transaction.serialize(), spent)

    return judge
