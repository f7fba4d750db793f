"""What nodes relay by default beyond consensus: the smallest output worth its own spending."""

from khazana.bitcoin.script import is_unspendable, witness_program
from khazana.units import Sats

DUST_SAT_PER_KVB = 3_000
"""An output is dust when spending it at this rate would cost more than it holds."""

MAX_TRANSACTION_WEIGHT = 400_000
"""Weight units; nodes relay no heavier transaction (Bitcoin Core, policy/policy.h)."""


def dust_limit(script: bytes) -> Sats:
    """The smallest amount that is not dust (Core, `GetDustThreshold`).

    >>> dust_limit(bytes.fromhex("0014" + "00" * 20))
    294
    """
    if is_unspendable(script):
        return Sats(0)
    output_size = 8 + (1 if len(script) < 0xFD else 3) + len(script)
    # Outpoint, lengths, sequence, and a signature with key; a quarter of these in the witness.
    spend_size = 32 + 4 + 1 + (107 // 4 if witness_program(script) else 107) + 4
    return Sats((output_size + spend_size) * DUST_SAT_PER_KVB // 1_000)
