"""What is said about a proof: valid, valid at a time and age, inconclusive or invalid, and why."""

from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.transaction import OutPoint, TxOut


class State(Enum):
    """BIP-322's answers; plain *valid* is "valid at time 0 and age 0"."""

    VALID = "valid"
    VALID_AT = "valid_at"
    """Valid for whoever waits until the lock time and for the coins to reach their age."""
    INCONCLUSIVE = "inconclusive"
    """Nothing wrong was found, but not everything could be judged."""
    INVALID = "invalid"


class Variant(Enum):
    """The three forms of a signature, by the prefix that names each."""

    SIMPLE = "smp"
    FULL = "ful"
    PROOF_OF_FUNDS = "pof"


class Reason(Enum):
    """Why a proof is not valid: stable codes for programs and translators."""

    # The text and its form
    MALFORMED = "malformed"
    NO_PREFIX = "no_prefix"
    SIMPLE_NOT_ALLOWED = "simple_not_allowed"
    NOT_FINALIZED = "not_finalized"
    WRONG_FORM = "wrong_form"
    OTHER_MESSAGE = "other_message"
    PREVOUT_MISMATCH = "prevout_mismatch"
    # Scripts and signatures
    SCRIPT_MISMATCH = "script_mismatch"
    SCRIPT_FAILED = "script_failed"
    SCRIPT_LIMITS = "script_limits"
    MALLEATED = "malleated"
    SIGHASH = "sighash"
    NOT_STRICT_DER = "not_strict_der"
    HIGH_S = "high_s"
    KEY_ENCODING = "key_encoding"
    NULLFAIL = "nullfail"
    NULLDUMMY = "nulldummy"
    MINIMALDATA = "minimaldata"
    MINIMALIF = "minimalif"
    CLEANSTACK = "cleanstack"
    CODESEPARATOR = "codeseparator"
    FIND_AND_DELETE = "find_and_delete"
    LOCK_NOT_MET = "lock_not_met"
    KERNEL_REFUSES = "kernel_refuses"
    # Coins of a proof of funds
    FOREIGN_COIN = "foreign_coin"
    SPENT_COIN = "spent_coin"
    OTHER_AMOUNT = "other_amount"
    OTHER_SCRIPT = "other_script"
    # What cannot be judged
    UNKNOWN_VERSION = "unknown_version"
    UNKNOWN_SCRIPT = "unknown_script"
    NO_SIGNATURE = "no_signature"
    UNKNOWN_PREVOUT = "unknown_prevout"
    COINS_NOT_CHECKED = "coins_not_checked"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a proof from being valid.

    conclusive: whether it makes the proof invalid, rather than inconclusive.
    position: the input of `to_sign` it was found in, None for the proof as a whole.
    """

    reason: Reason
    words: str
    conclusive: bool
    position: int | None = None

    def __str__(self) -> str:
        return self.words if self.position is None else f"input {self.position}: {self.words}"


@dataclass(frozen=True, slots=True)
class ProvenInput:
    """An input of `to_sign`: the first one answers the message's address, the others are coins.

    spent: the output it spends, None when nobody says what that is.
    sequence: nSequence; with version 2 it may say how old the coin must be (BIP-68).
    signers: the public keys whose signatures held, as the script names them, in script order;
    empty unless this input's script was satisfied.
    """

    outpoint: OutPoint
    spent: TxOut | None
    sequence: int
    signers: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one proof.

    lock_time, sequence: BIP-322's "time T and age S": nLockTime, nSequence of the first input.
    inputs: the challenge first, then the coins of a proof of funds; empty if nothing was read.
    problems: everything that was found wrong or beyond judging; empty when valid.
    """

    state: State
    variant: Variant | None = None
    version: int = 0
    lock_time: int = 0
    sequence: int = 0
    inputs: tuple[ProvenInput, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        """Valid, now or at a time and age. Inconclusive does not hold."""
        return self.state in (State.VALID, State.VALID_AT)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return tuple(problem.reason for problem in self.problems)

    @property
    def signers(self) -> tuple[bytes, ...]:
        """The public keys that signed for the message's address."""
        return self.inputs[0].signers if self.inputs else ()

    @property
    def coins(self) -> tuple[ProvenInput, ...]:
        """The coins that a proof of funds claims."""
        return self.inputs[1:]

    @property
    def waits(self) -> str:
        """What a proof that is valid at a time and age waits for, in plain words."""
        ages = {self.sequence, *(coin.sequence for coin in self.coins)}
        # BIP-68: only from version 2 on, and not with the highest bit set.
        counted = {age for age in ages if self.version >= 2 and not age >> 31 and age & 0xFFFF}
        said = [f"valid from {_lock_time(self.lock_time)} on"] if self.lock_time else []
        said += [f"valid for coins {_age(age)} old" for age in sorted(counted)]
        return ", ".join(said) or "valid at once"

    def __str__(self) -> str:
        if self.state is State.VALID_AT:
            return f"valid at time {self.lock_time} and age {self.sequence}"
        said = "; ".join(map(str, self.problems))
        return f"{self.state.value}: {said}" if said else self.state.value


def _lock_time(value: int) -> str:
    """BIP-65: below 500,000,000 a height, from there on seconds since 1970."""
    return f"block {value}" if value < 500_000_000 else f"the median time {value}"


def _age(sequence: int) -> str:
    """BIP-68: 16 bits, counted in blocks or in steps of 512 seconds."""
    count = sequence & 0xFFFF
    return f"{count * 512} seconds" if sequence & 1 << 22 else f"{count} blocks"


class Refusal(Exception):
    """A step of judging stops here. Never leaves this package: it becomes a `Problem`."""

    def __init__(self, reason: Reason, words: str, *, conclusive: bool = True) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
        self.conclusive = conclusive

    def problem(self, position: int | None = None) -> Problem:
        return Problem(self.reason, self.words, self.conclusive, position)


def beyond_judging(reason: Reason, words: str) -> Refusal:
    """What makes a proof inconclusive."""
    return Refusal(reason, words, conclusive=False)
