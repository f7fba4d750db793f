"""Headers are judged by the rules of their network, on real headers and on forged ones."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.block import Block, Header
from khazana.bitcoin.checkpoints import Checkpoints, Epoch, shipped_checkpoints
from khazana.bitcoin.headers import (
    HeaderReport,
    check_headers,
    first_needed,
    first_to_anchor,
    median_time_past,
)
from khazana.bitcoin.network import MAINNET, REGTEST, SIGNET, TESTNET3, TESTNET4, Network
from khazana.bitcoin.work import work_of
from khazana.units import BlockHash, Height
from tests.bitcoin.paper_headers import EASY_BITS, START, chain_of, easy, every, mined
from tests.shared import shared_file

FIRST = Height(665_280)


def mainnet_headers() -> list[Header]:
    record = json.loads(
        shared_file("data/btc_mainnet_headers_665280_665407.json").read_text(encoding="utf-8")
    )
    headers = [Header.parse(bytes.fromhex(row["headerHex"])) for row in record["headers"]]
    assert [h.hash for h in headers] == [row["hashDisplay"] for row in record["headers"]]
    return headers


def judged(headers: list[Header], first: int, network: Network) -> HeaderReport:
    checkpoints = shipped_checkpoints(network)
    return check_headers(headers, first=Height(first), network=network, checkpoints=checkpoints)


def rules(report: HeaderReport) -> list[tuple[str, int]]:
    return [(finding.rule, finding.block.height) for finding in report.findings]


def test_real_mainnet_headers_hold_and_rest_on_a_checkpoint() -> None:
    report = judged(mainnet_headers(), FIRST, MAINNET)
    assert report.holds
    assert report.findings == ()
    assert report.work == report.work_beyond == 11329220892249829033961856
    assert report.checkpoint == 665_279
    assert report.last.height == 665_407
    assert report.last.hash == "00000000000000000001f618c1f185042f878fff624291f7c4bc4dfae86b0bda"
    assert report.basis == (
        "anchored in checkpoint at height 665279; 128 blocks beyond it, work 1.133e+25"
    )
    assert report.unchecked == (
        "time of 11 blocks at heights 665280 to 665290: earlier headers are needed",
    )


def test_without_a_checkpoint_among_them_the_basis_says_so() -> None:
    report = judged(mainnet_headers()[1:], FIRST + 1, MAINNET)
    assert report.holds
    assert report.checkpoint is None
    assert report.basis == (
        "consistent with this source only: blocks 665281 to 665407 contain no checkpoint, "
        "work 1.124e+25"
    )


def test_beyond_the_table_the_basis_counts_blocks_and_work() -> None:
    headers = mainnet_headers()
    first = FIRST
    epochs = shipped_checkpoints(MAINNET).epochs[: first // 2016 + 1]
    shorter = Checkpoints(MAINNET, epochs)
    report = check_headers(headers, first=first, network=MAINNET, checkpoints=shorter)
    assert report.basis == (
        "anchored in checkpoint at height 665279; 128 blocks beyond the last checkpoint, "
        "work 1.133e+25"
    )
    away = check_headers(
        headers[1:],
        first=Height(first + 1),
        network=MAINNET,
        checkpoints=Checkpoints(MAINNET, epochs[:-1]),
    )
    assert away.holds
    assert away.basis.startswith("consistent with this source only: 2144 blocks beyond the last")
    assert away.unchecked[0] == (
        "difficulty of 1 blocks at heights 665281: earlier headers are needed"
    )


def test_real_headers_at_a_false_height_do_not_hold() -> None:
    report = judged(mainnet_headers(), FIRST + 2016, MAINNET)
    assert {rule for rule, _ in rules(report)} == {"H3", "H5"}
    assert report.basis == "broken: 129 findings"


def test_a_missing_header_breaks_the_link() -> None:
    headers = mainnet_headers()
    assert rules(judged(headers[:50] + headers[51:], FIRST, MAINNET)) == [("H1", FIRST + 50)]


@pytest.mark.parametrize(
    "forged",
    [
        lambda header: replace(header, time=header.time + 1),
        lambda header: replace(header, nonce=header.nonce + 1),
        lambda header: replace(header, version=header.version + 1),
        lambda header: replace(header, merkle_root_le=bytes(32)),
    ],
    ids=["time", "nonce", "version", "Merkle root"],
)
def test_a_changed_header_has_no_work_and_its_successor_no_link(
    forged: Callable[[Header], Header],
) -> None:
    headers = mainnet_headers()
    headers[40] = forged(headers[40])
    assert rules(judged(headers, FIRST, MAINNET)) == [("H2", FIRST + 40), ("H1", FIRST + 41)]


def test_easy_headers_on_top_of_real_ones_are_found() -> None:
    headers = mainnet_headers()
    headers.append(mined(headers[-1].hash, time=headers[-1].time + 600, bits=EASY_BITS))
    assert rules(judged(headers, FIRST, MAINNET)) == [("H2", FIRST + 128), ("H3", FIRST + 128)]


def test_easy_headers_beyond_the_table_are_found_without_any_context() -> None:
    forged = mined(BlockHash("11" * 32), time=START, bits=EASY_BITS)
    report = judged([forged], 953_568 + 5 * 2016 + 7, MAINNET)
    assert [str(finding).split(": ", 1)[1] for finding in report.findings] == [
        "bits 207fffff are easier than mainnet allows",
        "bits 207fffff are easier than a factor of 4 per epoch could make them",
    ]


@pytest.mark.parametrize("bits", [0, 0x1D800001, 0xFF123456])
def test_bits_that_stand_for_no_target_are_a_finding(bits: int) -> None:
    headers = mainnet_headers()[:20]
    headers[-1] = replace(headers[-1], bits=bits)
    report = judged(headers, FIRST, MAINNET)
    assert rules(report) == [("H2", FIRST + 19), ("H3", FIRST + 19)]
    assert report.work == sum(work_of(header.bits) for header in headers[:-1])
    assert rules(judged(headers[-1:], 10**7, MAINNET)) == [("H2", 10**7)]


def test_the_real_chain_of_a_regtest_node_is_consistent_with_its_source_only() -> None:
    record = json.loads(shared_file("vectors/core-rpc/chain.json").read_text(encoding="utf-8"))
    headers = [Block.parse(bytes.fromhex(raw)).header for raw in record["blocks"]]
    report = judged(headers, 0, REGTEST)
    assert report.holds
    assert report.unchecked == ()
    assert report.basis == "consistent with this source only"
    assert report.work == 2 * len(headers)
    assert judged(headers, 0, SIGNET).findings != ()
    assert rules(judged(headers[1:], 0, REGTEST))[0] == ("H1", 0)


def test_a_height_names_the_genesis_block_by_its_network() -> None:
    rows = json.loads(shared_file("vectors/blockfilters.json").read_text(encoding="utf-8"))[1:]
    genesis = Block.parse(bytes.fromhex(rows[0][2])).header
    report = judged([genesis], 0, TESTNET3)
    assert report.holds
    assert report.basis == "anchored in the genesis block"
    assert rules(judged([genesis], 0, TESTNET4)) == [("H1", 0)]
    assert rules(judged([genesis], 0, MAINNET)) == [("H1", 0)]


# Networks on paper: the rules of mainnet and the test networks with a target a laptop meets.


def on_paper(headers: list[Header], network: Network, first: int = 0) -> HeaderReport:
    return check_headers(
        headers, first=Height(first), network=network, checkpoints=Checkpoints(network)
    )


# 2,015 intervals of 150 s against two weeks: the target falls to a quarter, the limit.
FAST = every(150, 2017)
QUARTER_BITS = 0x201FFFFF


def fast_chain(at_boundary: int = QUARTER_BITS) -> list[Header]:
    return chain_of(FAST, lambda height: EASY_BITS if height < 2016 else at_boundary)


def test_the_first_block_of_an_epoch_must_carry_the_retargeted_bits() -> None:
    network = easy(MAINNET)
    assert on_paper(fast_chain(), network).holds
    assert on_paper(fast_chain(), network).unchecked == ()
    assert rules(on_paper(fast_chain(EASY_BITS), network)) == [("H3", 2016)]


def test_a_retarget_without_the_epochs_first_header_is_not_checked() -> None:
    report = on_paper(fast_chain()[1:], easy(MAINNET), first=1)
    assert report.holds
    assert report.unchecked[0] == (
        "difficulty of 2 blocks at heights 1 to 2016: earlier headers are needed"
    )


def test_inside_an_epoch_bits_do_not_change() -> None:
    headers = chain_of(every(600, 30), lambda height: QUARTER_BITS if height == 20 else EASY_BITS)
    assert rules(on_paper(headers, easy(MAINNET))) == [("H3", 20), ("H3", 21)]


def test_known_epochs_settle_the_bits() -> None:
    network = easy(MAINNET)
    headers = fast_chain()
    epochs = (
        Epoch(Height(0), EASY_BITS, None),
        Epoch(Height(2016), QUARTER_BITS, headers[2015].hash),
    )
    known = Checkpoints(network, epochs)
    tail = headers[1000:]
    report = check_headers(tail, first=Height(1000), network=network, checkpoints=known)
    assert report.holds
    assert report.checkpoint == 2015
    assert report.work_beyond == work_of(QUARTER_BITS)
    assert report.basis == (
        "anchored in checkpoint at height 2015; 1 blocks beyond the last checkpoint, work 8.000e+00"
    )
    ended = check_headers(tail[:-1], first=Height(1000), network=network, checkpoints=known)
    assert ended.basis == "anchored in checkpoint at height 2015"
    assert ended.work_beyond == 0
    false = Checkpoints(network, (epochs[0], replace(epochs[1], previous=BlockHash("00" * 32))))
    forged = check_headers(tail, first=Height(1000), network=network, checkpoints=false)
    assert rules(forged) == [("H5", 2015), ("H5", 2016)]


def slow_block_at(slow: int, count: int, pace: int = 150) -> list[int]:
    """An even pace with one gap of 1,201 s before block `slow`."""
    return [
        START + pace * number + (1201 - pace if number >= slow else 0) for number in range(count)
    ]


def test_after_20_minutes_a_test_network_takes_an_easy_block_and_returns() -> None:
    times = slow_block_at(2030, 2040)

    def bits_at(height: int) -> int:
        return EASY_BITS if height < 2016 or height == 2030 else QUARTER_BITS

    headers = chain_of(times, bits_at)
    for rules_of in (TESTNET3, TESTNET4):
        assert on_paper(headers, easy(rules_of)).findings == ()
    assert rules(on_paper(headers, easy(MAINNET))) == [("H3", 2030), ("H3", 2031)]
    # Exactly 20 minutes are not enough.
    times = [time - (1 if number >= 2030 else 0) for number, time in enumerate(times)]
    assert rules(on_paper(chain_of(times, bits_at), easy(TESTNET3))) == [("H3", 2030)]


def test_an_easy_block_must_not_follow_within_20_minutes() -> None:
    headers = chain_of(
        every(150, 2030),
        lambda height: EASY_BITS if height < 2016 or height == 2020 else QUARTER_BITS,
    )
    assert rules(on_paper(headers, easy(TESTNET3))) == [("H3", 2020)]


def test_an_epoch_that_starts_at_the_easiest_target_stays_there() -> None:
    # Epoch 1 is harder, and slow enough for epoch 2 to return to the easiest target.
    pace_0, pace_1 = 400, 1200
    times = [
        START + pace_0 * min(number, 2015) + pace_1 * max(0, number - 2015)
        for number in range(4040)
    ]
    harder = 0x20 << 24 | ((0x7FFFFF << 232) * (2015 * pace_0) // (2016 * 600)) >> 232
    headers = chain_of(times, lambda height: harder if 2016 <= height < 4032 else EASY_BITS)
    for rules_of in (MAINNET, TESTNET3, TESTNET4):
        assert on_paper(headers, easy(rules_of)).findings == ()


def test_bip_94_retargets_from_the_epochs_first_block_and_testnet3_from_its_last() -> None:
    # Epoch 1 is a quarter as easy; its last block uses the 20-minute rule. Testnet 3 then
    # multiplies the easy bits, testnet 4 the epoch's own.
    times = slow_block_at(4031, 4033, pace=300)
    first_times = every(150, 2016)
    times = first_times + [first_times[-1] + time - times[2015] for time in times[2016:]]
    taken = times[4031] - times[2016]

    def bits_at(last: int) -> list[Header]:
        def choose(height: int) -> int:
            if height < 2016 or height == 4031:
                return EASY_BITS
            return last if height == 4032 else QUARTER_BITS

        return chain_of(times, choose)

    timespan = 2016 * 600
    from_first = (0x1FFFFF << 232) * taken // timespan
    from_last = (0x7FFFFF << 232) * taken // timespan
    bits_4 = 0x20 << 24 | from_first >> 232
    bits_3 = 0x20 << 24 | from_last >> 232
    assert on_paper(bits_at(bits_4), easy(TESTNET4)).findings == ()
    assert on_paper(bits_at(bits_3), easy(TESTNET3)).findings == ()
    assert rules(on_paper(bits_at(bits_4), easy(TESTNET3))) == [("H3", 4032)]
    assert rules(on_paper(bits_at(bits_3), easy(TESTNET4))) == [("H3", 4032)]


def test_bip_94_limits_how_far_an_epoch_starts_before_its_predecessor() -> None:
    times = every(150, 2016)
    for back, found in ((600, []), (601, [("H4", 2016)])):
        headers = chain_of(
            [*times, times[-1] - back], lambda h: EASY_BITS if h < 2016 else QUARTER_BITS
        )
        assert rules(on_paper(headers, easy(TESTNET4))) == found
        assert rules(on_paper(headers, easy(TESTNET3))) == []


def test_a_block_must_be_later_than_the_median_of_eleven() -> None:
    times = every(600, 20)
    for time, found in ((times[13] + 1, []), (times[13], [("H4", 19)])):
        headers = chain_of([*times[:19], time])
        assert rules(on_paper(headers, easy(MAINNET))) == found
        # Without ten earlier headers nothing is said.
        short = on_paper(headers[15:], easy(MAINNET), first=15)
        assert short.findings == ()
        assert "time of 5 blocks at heights 15 to 19: earlier headers are needed" in short.unchecked


def test_early_blocks_are_measured_by_all_there_are() -> None:
    assert rules(on_paper(chain_of([START, START]), easy(MAINNET))) == [("H4", 1)]
    assert on_paper(chain_of([START, START + 1]), easy(MAINNET)).holds


def test_signet_headers_leave_its_signatures_unchecked() -> None:
    report = on_paper(chain_of(every(600, 3)), easy(SIGNET))
    assert report.holds
    assert report.unchecked == (
        "signatures of the network's block makers (BIP-325): headers do not carry them",
    )


def test_regtest_bits_never_change() -> None:
    network = easy(REGTEST)
    assert on_paper(chain_of(FAST), network).holds
    assert rules(on_paper(fast_chain(), network)) == [("H3", 2016)]


@given(st.lists(st.integers(1, 50), min_size=30, max_size=60), st.data())
def test_median_time_past_never_falls(steps: list[int], data: st.DataObject) -> None:
    times = [START]
    headers = [Header(4, BlockHash("00" * 32), bytes(32), START, EASY_BITS, 0)]
    for step in steps:
        earlier = median_time_past(headers)
        times.append(earlier + step)
        headers.append(replace(headers[0], time=times[-1]))
        assert median_time_past(headers) >= earlier


def test_median_time_past_of_core() -> None:
    answer = json.loads(shared_file("vectors/core-rpc/getblockheader.json").read_text("utf-8"))
    reported = json.loads(answer["response_text"])["result"]
    record = json.loads(shared_file("vectors/core-rpc/chain.json").read_text("utf-8"))
    headers = [Block.parse(bytes.fromhex(raw)).header for raw in record["blocks"]]
    height = reported["height"]
    assert headers[height].hash == reported["hash"]
    assert median_time_past(headers[: height + 1]) == reported["mediantime"]
    assert median_time_past(headers[max(0, height - 10) : height + 1]) == reported["mediantime"]


def test_median_of_an_even_number_is_the_later_one() -> None:
    headers = [Header(1, BlockHash("00" * 32), bytes(32), time, 0, 0) for time in (5, 1)]
    assert median_time_past(headers) == 5
    with pytest.raises(ValueError, match="no header"):
        median_time_past([])


@pytest.mark.parametrize(
    ("height", "network", "first"),
    [
        (0, MAINNET, 0),
        (11, MAINNET, 0),
        (2016, MAINNET, 0),
        (4032, MAINNET, 2016),
        (4033, MAINNET, 4022),
        (5000, MAINNET, 4032),
        (5000, TESTNET4, 4032),
        (5000, REGTEST, 4989),
        (4032, REGTEST, 4021),
        (5, REGTEST, 0),
    ],
)
def test_first_needed_reaches_back_as_far_as_the_rules(
    height: int, network: Network, first: int
) -> None:
    assert first_needed(Height(height), network) == first


@pytest.mark.parametrize("height", [1, 10, 2015, 2016, 2017, 2030])
def test_headers_from_first_needed_leave_nothing_unchecked(height: int) -> None:
    network = easy(MAINNET)
    headers = fast_chain()
    for number in range(2017, 2040):
        time = START + 150 * number
        headers.append(mined(headers[-1].hash, time=time, bits=QUARTER_BITS))
    first = first_needed(Height(height), network)
    report = on_paper(headers[first:], network, first=first)
    assert report.findings == ()
    for gap in report.unchecked:
        newest = int(gap.split("heights ")[1].split(":")[0].split(" to ")[-1])
        assert newest < height


def test_first_to_anchor_is_the_newest_checkpoint_before() -> None:
    checkpoints = shipped_checkpoints(MAINNET)
    assert first_to_anchor(Height(665_400), checkpoints) == 665_279
    assert first_to_anchor(Height(665_280), checkpoints) == 665_279
    assert first_to_anchor(Height(665_279), checkpoints) == 665_279 - 2016
    assert first_to_anchor(Height(100), checkpoints) == 0
    assert first_to_anchor(Height(2_000_000), checkpoints) == 953_567
    assert first_to_anchor(Height(2_000_000), Checkpoints(TESTNET4)) == 0


def test_our_own_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match="no headers"):
        judged([], 0, MAINNET)
    with pytest.raises(ValueError, match="height -1"):
        judged(chain_of([START]), -1, REGTEST)
    with pytest.raises(ValueError, match="checkpoints of mainnet"):
        check_headers(
            chain_of([START]),
            first=Height(0),
            network=REGTEST,
            checkpoints=shipped_checkpoints(MAINNET),
        )
