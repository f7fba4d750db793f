"""How a proof, an extract or a published file can be wrong."""

from dataclasses import dataclass
from enum import StrEnum

from khazana.errors import KhazanaError


class Reason(StrEnum):
    """Why something about a proof is rejected; the same names in Python and in JavaScript."""

    SLIP_MALFORMED = "slip_malformed"
    STATEMENT_MALFORMED = "statement_malformed"
    OTHER_STATEMENT = "other_statement"
    STALE = "stale"
    BLOCKS_DIFFER = "blocks_differ"
    LEVEL_DIFFERS = "level_differs"
    TOTAL_DIFFERS = "total_differs"
    NO_SUCH_TREE = "no_such_tree"
    OTHER_EPOCH = "other_epoch"
    OTHER_ROOT = "other_root"
    WRONG_HEIGHT = "wrong_height"
    LEVEL_NEEDED = "level_needed"
    POSITION_OUT_OF_RANGE = "position_out_of_range"
    LEAF_TWICE = "leaf_twice"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    SUM_OUT_OF_RANGE = "sum_out_of_range"
    PADDING_WRONG = "padding_wrong"
    NOT_IN_TREE = "not_in_tree"
    BALANCE_DIFFERS = "balance_differs"


@dataclass(eq=False, kw_only=True)
class ProofRejected(KhazanaError):
    """What a customer was given does not prove that the balance is in the tree."""

    reason: Reason
    problem: str
    code = "solvency_proof_rejected"
    words = "The proof is rejected ({reason}): {problem}."


@dataclass(eq=False, kw_only=True)
class ExtractRefused(KhazanaError):
    """A provider's extract has problems; nothing was made of it.

    problems: one line of text for each, with the row's line number. more: how many are not listed.
    """

    file: str
    problems: tuple[str, ...]
    more: int
    code = "solvency_extract_refused"
    words = "{file} is refused and nothing was made of it:\n{problems}"

    def __str__(self) -> str:
        lines = [f"  {problem}" for problem in self.problems]
        if self.more:
            lines.append(f"  and {self.more} more")
        return self.words.format(file=self.file, problems="\n".join(lines))


@dataclass(eq=False, kw_only=True)
class TreeFileRefused(KhazanaError):
    """A file with a tree's nodes is not what it should be."""

    file: str
    problem: str
    code = "solvency_tree_file_refused"
    words = "{file} holds no usable tree: {problem}."


@dataclass(eq=False, kw_only=True)
class PlanRefused(KhazanaError):
    """What a provider wants to build cannot be built."""

    problem: str
    code = "solvency_plan_refused"
    words = "The tree cannot be built: {problem}."


@dataclass(eq=False, kw_only=True)
class NotInExtract(KhazanaError):
    """A slip was asked for somebody who has no row."""

    file: str
    customer: str
    code = "solvency_not_in_extract"
    words = "{file} has no row for {customer!r}; ids are compared letter by letter."


@dataclass(eq=False, kw_only=True)
class SlipTooLong(KhazanaError):
    """A slip with so many leaves that no QR code holds it."""

    leaves: int
    size_bytes: int
    code = "solvency_slip_too_long"
    words = (
        "A slip with {leaves} leaves has {size_bytes} bytes, and no QR code holds that; give the "
        "customer the file, or build the next epoch with larger leaves (--most-per-leaf)."
    )
