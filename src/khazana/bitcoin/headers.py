"""The headers of a period, judged: linked, worked for, at the right difficulty, in order of time.

Headers prove what a block contains and what it cost to make. They do not prove that a source shows
every block, nor that an output is unspent; the report's basis says what its headers rest on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.checkpoints import Checkpoints
from khazana.bitcoin.network import RETARGET_INTERVAL, TARGET_SPACING_S, Network
from khazana.bitcoin.work import BadCompactTarget, meets_target, retargeted_bits, target_of, work_of
from khazana.units import Height

MEDIAN_OF = 11
"""Blocks over which the median time past is taken: the block itself and the ten before it."""

MAX_TIMEWARP_S = 600
"""BIP-94: the first block of an epoch is at most this much earlier than the block before it."""

_SIGNET = "signatures of the network's block makers (BIP-325): headers do not carry them"


@dataclass(frozen=True, slots=True)
class HeaderFinding:
    """What is wrong with one header.

    rule: H1 linked, H2 proof of work, H3 difficulty, H4 time, H5 checkpoints.
    """

    rule: str
    block: BlockRef
    problem: str

    def __str__(self) -> str:
        return f"{self.rule} block {self.block}: {self.problem}"


@dataclass(frozen=True)
class HeaderReport:
    """What the headers of a period show.

    work: hashes it took on average to make them all; work_beyond: those after `checkpoint`.
    checkpoint: the highest shipped block that is among the headers or right before them, if any.
    unchecked: what could not be judged, as a rule that needs earlier headers than were given.
    """

    network: Network
    first: Height
    last: BlockRef
    work: int
    work_beyond: int
    checkpoint: Height | None
    newest_checkpoint: Height
    findings: tuple[HeaderFinding, ...]
    unchecked: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong; what could not be checked is in `unchecked`."""
        return not self.findings

    @property
    def basis(self) -> str:
        """What the headers rest on, for people."""
        if self.findings:
            return f"broken: {len(self.findings)} findings"
        if not self.network.retargets:
            return "consistent with this source only"
        if self.checkpoint is None:
            beyond = self.last.height - self.newest_checkpoint
            where = (
                f"{beyond} blocks beyond the last checkpoint"
                if beyond > 0 and self.newest_checkpoint
                else f"blocks {self.first} to {self.last.height} contain no checkpoint"
            )
            return f"consistent with this source only: {where}, work {self.work:.3e}"
        anchor = (
            f"checkpoint at height {self.checkpoint}" if self.checkpoint else "the genesis block"
        )
        beyond = self.last.height - self.checkpoint
        if beyond <= 0:
            return f"anchored in {anchor}"
        # The newest block whose hash is shipped, or an older one where the period ends sooner.
        known = "the last checkpoint" if self.checkpoint == self.newest_checkpoint else "it"
        return f"anchored in {anchor}; {beyond} blocks beyond {known}, work {self.work_beyond:.3e}"


def median_time_past(headers: Sequence[Header]) -> int:
    """A block's median time past, in seconds UTC, from the headers that end with it.

    Give at least 11, or all from the genesis block on. It never falls from block to block.
    """
    times = sorted(header.time for header in headers[-MEDIAN_OF:])
    if not times:
        raise ValueError("the median time past of no header")
    return times[len(times) // 2]


def first_needed(height: Height, network: Network) -> Height:
    """The first header to supply so that every rule can be applied from `height` on.

    The median time past looks back 11 blocks. Difficulty looks back to the first block of the
    epoch, and for the first block of an epoch to the first block of the epoch before.
    """
    look_back = height - MEDIAN_OF
    if network.retargets:
        epoch = height - height % RETARGET_INTERVAL
        look_back = min(look_back, epoch if epoch < height else epoch - RETARGET_INTERVAL)
    return Height(max(0, look_back))


def first_to_anchor(height: Height, checkpoints: Checkpoints) -> Height:
    """The first header to supply so that blocks from `height` on rest on a shipped checkpoint.

    It is the last block of the epoch before `height`, or the newest checkpoint where the table
    ends; 0, the genesis block, where there is no table.
    """
    if not checkpoints.epochs:
        return Height(0)
    epoch = height - height % RETARGET_INTERVAL
    return Height(max(0, min(epoch - 1, checkpoints.newest)))


def check_headers(
    headers: Sequence[Header],
    *,
    first: Height,
    network: Network,
    checkpoints: Checkpoints,
    context: int = 0,
) -> HeaderReport:
    """Judge consecutive headers, the first of which claims height `first`.

    context: how many of them were only supplied so that rules can look back from the next one.
    They are judged too, but what could not be checked of them is not listed.

    H1 each names the hash of the one before; block 0 is the network's genesis block.
    H2 each hash is at most the target of its bits, and that no easier than the network allows.
    H3 the bits are those of the shipped epoch or, beyond the table, those the retarget gives.
    H4 each time is after the median time past of the block before; BIP-94's limit on epochs.
    H5 hashes at the heights of checkpoints are the shipped ones.

    Not judged: whether a time lies in the future, which needs a clock; and a block's version.
    """
    if not headers:
        raise ValueError("no headers to check")
    if first < 0:
        raise ValueError(f"no block has height {first}")
    if checkpoints.network != network:
        raise ValueError(f"checkpoints of {checkpoints.network.name} for headers of {network.name}")
    findings: list[HeaderFinding] = []
    unchecked_bits: list[Height] = []
    unchecked_times: list[Height] = []
    checkpoint: Height | None = None
    work = work_beyond = 0
    required = _required_bits(headers, first=first, network=network, checkpoints=checkpoints)
    for position, (header, bits) in enumerate(zip(headers, required, strict=True)):
        height = Height(first + position)
        block = BlockRef(height, header.hash)
        previous = headers[position - 1] if position else None
        problems = [
            ("H1", _link_problem(header, previous, height, network)),
            ("H2", _work_problem(header, network)),
            ("H3", _bits_problem(header, bits, height, checkpoints)),
            ("H4", _time_problem(headers, position, height, network)),
            ("H5", _checkpoint_problem(header, block, checkpoints)),
        ]
        findings += [HeaderFinding(rule, block, text) for rule, text in problems if text]
        if bits is None:
            unchecked_bits += [height] if position >= context else []
        if not _has_median(position, height):
            unchecked_times += [height] if position >= context else []
        anchor = _anchored_by(header, block, checkpoints)
        worked = 0 if problems[1][1] else work_of(header.bits)
        work += worked
        work_beyond += worked
        if anchor is not None:
            checkpoint, work_beyond = anchor, 0 if anchor == height else worked
    return HeaderReport(
        network=network,
        first=first,
        last=BlockRef(Height(first + len(headers) - 1), headers[-1].hash),
        work=work,
        work_beyond=work_beyond,
        checkpoint=checkpoint,
        newest_checkpoint=checkpoints.newest,
        findings=tuple(findings),
        unchecked=(
            *_unchecked("difficulty", unchecked_bits),
            *_unchecked("time", unchecked_times),
            *([_SIGNET] if network.signet else []),
        ),
    )


def _required_bits(
    headers: Sequence[Header], *, first: Height, network: Network, checkpoints: Checkpoints
) -> Iterator[int | None]:
    """For each header the bits that the rules ask for, None where they need earlier headers."""
    # On networks with the 20-minute rule: the bits of the newest block in this epoch that did
    # not use it, to which the next block returns.
    regular: int | None = None
    for position, header in enumerate(headers):
        height = Height(first + position)
        epoch = checkpoints.epoch_at(height)
        previous = headers[position - 1] if position else None
        starts_epoch = height % RETARGET_INTERVAL == 0
        if epoch is not None:
            yield epoch.bits
        elif height == 0 or not network.retargets:
            yield network.pow_limit_bits
        elif starts_epoch:
            yield _retarget(headers, position, network)
        elif previous is None:
            yield None
        elif not network.min_difficulty_after_20_minutes:
            yield previous.bits
        elif header.time > previous.time + 2 * TARGET_SPACING_S:
            yield network.pow_limit_bits
        else:
            yield regular
        if starts_epoch or header.bits != network.pow_limit_bits:
            regular = header.bits


def _retarget(headers: Sequence[Header], position: int, network: Network) -> int | None:
    start = position - RETARGET_INTERVAL
    if start < 0:
        return None
    opening, closing = headers[start], headers[position - 1]
    # BIP-94: the last block may have used the 20-minute rule; the first cannot.
    base = opening.bits if network.bip94 else closing.bits
    try:
        return retargeted_bits(
            base_bits=base, first_time=opening.time, last_time=closing.time, network=network
        )
    except BadCompactTarget:
        return None  # H2 has already found the header whose bits stand for no target


def _link_problem(
    header: Header, previous: Header | None, height: Height, network: Network
) -> str | None:
    if height == 0:
        genesis = header.hash == network.genesis
        return None if genesis else f"not the genesis block of {network.name} ({network.genesis})"
    if previous is None or header.previous == previous.hash:
        return None
    return f"it stands on {header.previous}, not on {previous.hash}"


def _work_problem(header: Header, network: Network) -> str | None:
    try:
        target = target_of(header.bits)
    except BadCompactTarget as bad:
        return str(bad)
    if target > target_of(network.pow_limit_bits):
        return f"bits {header.bits:08x} are easier than {network.name} allows"
    if not meets_target(header.hash_le, header.bits):
        return f"its hash is no proof of the work of bits {header.bits:08x}"
    return None


def _bits_problem(
    header: Header, required: int | None, height: Height, checkpoints: Checkpoints
) -> str | None:
    if required is not None:
        if header.bits == required:
            return None
        return f"bits {header.bits:08x} where the rules ask for {required:08x}"
    try:
        if target_of(header.bits) <= checkpoints.easiest_target_at(height):
            return None
    except BadCompactTarget:
        return None  # H2 says so
    return f"bits {header.bits:08x} are easier than a factor of 4 per epoch could make them"


def _has_median(position: int, height: Height) -> bool:
    """Whether the 11 headers before one, or all since the genesis block, are at hand."""
    return position >= MEDIAN_OF or position == height


def _time_problem(
    headers: Sequence[Header], position: int, height: Height, network: Network
) -> str | None:
    if position == 0:
        return None
    header, previous = headers[position], headers[position - 1]
    limit = previous.time - MAX_TIMEWARP_S
    if network.bip94 and height % RETARGET_INTERVAL == 0 and header.time < limit:
        return f"time {header.time} is more than {MAX_TIMEWARP_S} s before the block before it"
    if not _has_median(position, height):
        return None
    median = median_time_past(headers[max(0, position - MEDIAN_OF) : position])
    if header.time > median:
        return None
    return f"time {header.time} is not after the median time past {median}"


def _checkpoint_problem(header: Header, block: BlockRef, checkpoints: Checkpoints) -> str | None:
    known = checkpoints.hash_at(block.height)
    if known is not None and known != block.hash and block.height:
        return f"the checkpoint at this height is {known}"
    before = checkpoints.hash_at(Height(block.height - 1)) if block.height else None
    if before is not None and before != header.previous:
        return f"it stands on {header.previous}, the checkpoint there is {before}"
    return None


def _anchored_by(header: Header, block: BlockRef, checkpoints: Checkpoints) -> Height | None:
    """The known block that this header is, or stands on."""
    if checkpoints.hash_at(block.height) == block.hash:
        return block.height
    if block.height and checkpoints.hash_at(Height(block.height - 1)) == header.previous:
        return Height(block.height - 1)
    return None


def _unchecked(rule: str, heights: Sequence[Height]) -> Iterator[str]:
    if heights:
        span = f"{heights[0]} to {heights[-1]}" if len(heights) > 1 else str(heights[0])
        yield f"{rule} of {len(heights)} blocks at heights {span}: earlier headers are needed"
