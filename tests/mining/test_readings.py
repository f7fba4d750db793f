"""Readings, seals, bills: every wrong is named and located, and nothing is repaired."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.secrets import SecretRefused
from khazana.mining.evidence.audit import audit_readings, chain_before
from khazana.mining.evidence.energy import EnergyUnknown, energy_between
from khazana.mining.evidence.problems import EvidenceRefused
from khazana.mining.evidence.readings import (
    READINGS_HEADER,
    Values,
    first_head,
    read_readings,
    reading_line,
    write_readings,
)
from khazana.mining.evidence.reconcile import read_bills, reconcile_bills, reconcile_check_meters
from khazana.mining.evidence.seals import read_seals, write_seals
from khazana.statement.tree import includes, inclusion_proof
from tests.mining.metering import (
    DAY,
    GATEWAY,
    METERS,
    MINER,
    OLD,
    START,
    STEP,
    file_of,
    honest,
    meters,
    seals_of,
)


def found(values, *, seals=None, meter="main-1"):
    """(rule, text, where) of everything found in values of a meter, sealed by the gateway."""
    file = file_of(values, meter)
    audit = audit_readings(file, seals_of(file) if seals is None else seals, meters())
    return [(f.rule, f.text, f.where) for f in audit.findings]


def changed(values, position, **fields):
    return [*values[:position], values[position]._replace(**fields), *values[position + 1 :]]


def test_honest_readings_have_no_findings_and_every_one_is_sealed():
    file = file_of(honest())
    audit = audit_readings(file, seals_of(file), meters())
    assert audit.findings == ()
    assert (audit.readings, audit.sealed, audit.unsealed, audit.seals) == (145, 145, 0, 4)


def test_a_gap_is_named_with_its_length_and_place():
    values = honest()
    ((rule, text, where),) = found(values[:10] + values[13:])
    assert (rule, where) == ("E3", "readings.csv, line 12, meter main-1")
    assert text == (
        "a gap of 7200 s after 2026-01-01T04:30:00Z: 3 readings are due, 3 numbers are skipped"
    )


def test_readings_left_out_under_new_numbers_are_still_a_gap():
    values = honest()
    later = [v._replace(seq=v.seq - 3) for v in values[13:]]
    ((rule, text, _),) = found(values[:10] + later)
    assert rule == "E3"
    assert "3 readings are due, 0 numbers are skipped" in text


def test_a_reset_is_told_from_a_backward_step():
    values = honest()
    behind = [v._replace(register_wh=v.register_wh - values[20].register_wh) for v in values[20:]]
    ((rule, text, where),) = found(values[:20] + behind)
    assert (rule, where) == ("E4", "readings.csv, line 22, meter main-1")
    assert text == "the counter was reset: from 5095000000 to 0 Wh"
    ((rule, text, _),) = found(
        values[:20] + [v._replace(register_wh=v.register_wh - 6_000_000) for v in values[20:]]
    )
    assert (rule, text) == ("E4", "the counter stepped back: from 5095000000 to 5094000000 Wh")


@pytest.mark.parametrize(
    ("seconds", "rules"),
    [(420, ["E5"]), (-STEP // 2, ["E5"]), (-3 * STEP, ["E5", "E3"])],
)
def test_a_changed_clock_is_named(seconds, rules):
    values = honest()
    answer = found(changed(values, 30, at=values[30].at + seconds))
    assert set(rules) <= {rule for rule, _, _ in answer}
    assert "line 32" in answer[0][2]
    assert answer[0][0] == "E5"


def test_a_clock_turned_back_for_good_is_named_where_it_happened():
    values = honest()
    answer = found([*values[:30], *(v._replace(at=v.at - 3600) for v in values[30:])])
    assert [(r, w) for r, _, w in answer if r == "E5"] == [
        ("E5", "readings.csv, line 32, meter main-1")
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [({}, "already"), ({"register_wh": 5_045_000_001}, "already, with other values")],
)
def test_a_reading_that_stands_twice_is_named_with_both_lines(more, said):
    values = honest()
    twice = [*values[:10], values[9]._replace(**more), *values[10:]]
    ((rule, text, where),) = found(twice)
    assert (rule, where) == ("E2", "readings.csv, line 12, meter main-1")
    assert text == f"reading 10 of 2026-01-01T04:30:00Z stands in line 11 {said}"


def test_negative_power_is_named():
    ((rule, text, where),) = found(changed(honest(), 5, power_w=-1))
    assert (rule, where) == ("E6", "readings.csv, line 7, meter main-1")
    assert "negative power -1 W" in text


def test_impossible_power_is_named_by_the_meters_word_and_by_the_counter():
    ((rule, text, _),) = found(changed(honest(), 5, power_w=12_000_001))
    assert (rule, text) == ("E7", "power 12000001 W; at most 12000000 W can flow here")
    values = honest()
    jumped = [*values[:5], *(v._replace(register_wh=v.register_wh + 5_000_000) for v in values[5:])]
    ((rule, text, where),) = found(jumped)
    assert (rule, where) == ("E7", "readings.csv, line 7, meter main-1")
    assert text.startswith("the counter rose by 10000000 Wh in 1800 s, 20000000 W")


@pytest.mark.parametrize(("status", "said"), [(2, "invalid clock"), (32, "clock was set"), (8, "")])
def test_what_the_meter_says_of_itself_is_repeated(status, said):
    answer = found(changed(honest(), 5, status=status))
    assert [rule for rule, _, _ in answer] == (["E8"] if said else [])
    assert all(said in text for _, text, _ in answer)


def test_readings_of_a_meter_that_nobody_declares_are_named():
    ((rule, text, _), *_) = found(honest(1), meter="main-9")
    assert rule == "E1"
    assert "main-9" in text


# Seals


def test_a_day_sealed_by_the_miner_does_not_count():
    file = file_of(honest(1))
    audit = audit_readings(file, seals_of(file, MINER), meters())
    assert {f.rule for f in audit.findings} == {"E9"}
    assert "not a key of this meter" in audit.findings[0].text
    assert audit.sealed == 0


def test_a_retired_key_is_named_on_the_day_it_no_longer_served():
    file = file_of(honest(2)[:-1])
    audit = audit_readings(file, seals_of(file, OLD), meters())
    ((rule, text),) = [(f.rule, f.text) for f in audit.findings]
    assert rule == "E9"
    assert text == "2026-01-02 is sealed by a key of Utility that was retired"
    assert audit.sealed == 48


def test_a_key_before_its_time_is_named():
    file = file_of(honest(1, start=START - DAY)[:-1])
    audit = audit_readings(file, seals_of(file), meters())
    assert "not yet in force" in audit.findings[0].text


def test_a_reading_changed_after_it_was_sealed_breaks_the_seal_of_its_day_and_of_later_ones():
    values = honest(2)[:-1]
    seals = seals_of(file_of(values))
    answer = found(changed(values, 60, register_wh=values[60].register_wh - 1), seals=seals)
    assert [rule for rule, _, _ in answer] == ["E11"]
    assert "2026-01-02: the root is sealed as" in answer[0][1]
    earlier = found(changed(values, 10, register_wh=values[10].register_wh - 1), seals=seals)
    # The second day's readings are as sealed; the chain that leads to them is not.
    assert [text[:25] for _, text, _ in earlier] == [
        "2026-01-01: the root is s",
        "2026-01-02: the chain is ",
    ]


def test_a_signature_moved_to_another_day_does_not_fit():
    file = file_of(honest(2)[:-1])
    first, second = seals_of(file)
    forged = replace(second, signature=first.signature)
    audit = audit_readings(file, [first, forged], meters())
    assert [f.rule for f in audit.findings] == ["E10"]


def test_days_without_seal_and_seals_without_day_are_named():
    file = file_of(honest(2)[:-1])
    first, second = seals_of(file)
    audit = audit_readings(file, [first], meters())
    ((rule, text, where),) = [(f.rule, f.text, f.where) for f in audit.findings]
    assert (rule, text) == ("E12", "no seal over the 48 readings of 2026-01-02")
    assert where == "readings.csv, line 50, meter main-1"
    assert audit.unsealed == 48
    only = file_of(honest(1)[:-1])
    audit = audit_readings(only, [first, second, first], meters())
    assert sorted(f.text for f in audit.findings) == [
        "a seal over 48 readings of 2026-01-02, which are not here",
        "the day 2026-01-01 of main-1 is sealed twice",
    ]
    audit = audit_readings(only, [first, replace(second, meter="check-1")], meters())
    assert [f.text for f in audit.findings] == [
        "1 seals of meter check-1, of which there is no declared reading"
    ]


def test_a_file_that_goes_on_from_another_is_chained_to_it():
    values = honest(2)[:-1]
    whole = file_of(values)
    first, second = seals_of(whole)
    raw = write_readings(("main-1", v) for v in values[48:])
    assert audit_readings(read_readings("b", raw), [second], meters()).findings
    heads = chain_before({"main-1": [first], "check-1": []})
    assert heads["check-1"] == first_head("check-1")
    file = read_readings("b", raw, heads=heads)
    assert audit_readings(file, [second], meters()).findings == ()


def test_one_reading_of_a_day_can_be_shown_without_the_others():
    rows = file_of(honest(1)[:-1]).by_meter["main-1"]
    (seal,) = seals_of(file_of(honest(1)[:-1]))
    leaves = [row.leaf for row in rows]
    proof = inclusion_proof(leaves, 17)
    assert includes(root=seal.root, size=seal.count, index=17, leaf=leaves[17], proof=proof)


def test_seals_are_read_back_as_written():
    seals = seals_of(file_of(honest(2)))
    again = read_seals("seals.csv", write_seals(seals))
    assert [replace(seal, line=0) for seal in again] == list(seals)
    assert [seal.line for seal in again] == [2, 3, 4]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2026-01-01", "2026-02-30", "line 2, day: '2026-02-30' is not a day"),
        (",48,", ",-1,", "line 2, count: '-1' is not a whole number"),
        ("meter,", "metre,", "line 1, metre: no such column"),
    ],
)
def test_malformed_seals_are_refused_with_line_and_column(old, new, said):
    raw = write_seals(seals_of(file_of(honest(1)[:-1]))).replace(old.encode(), new.encode())
    with pytest.raises(EvidenceRefused) as refused:
        read_seals("seals.csv", raw)
    assert said in str(refused.value)


# Malformed readings

LINE = "main-1,1,2026-01-01T00:00:00Z,5000,,0"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("main-1,1,2026-01-01T00:00:00Z,5000,0", "(row): has 5 cells where 6 should be"),
        ("main-1,01,2026-01-01T00:00:00Z,5000,,0", "seq: '01' is not a whole number"),
        ("main-1,1,2026-01-01T00:00:00+05:00,5000,,0", "at: '2026-01-01T00:00:00+05:00' is not"),
        ("main-1,1,2026-02-30T00:00:00Z,5000,,0", "at: is no time of the calendar"),
        ("main-1,1,2026-01-01T24:00:00Z,5000,,0", "at: is no time of the calendar"),
        ("main-1,1,2026-01-01T00:00:00Z,-5,,0", "register_wh: '-5' is not the counter"),
        ("main-1,1,2026-01-01T00:00:00Z,5.0,,0", "register_wh: '5.0' is not the counter"),
        ("main-1,1,2026-01-01T00:00:00Z,5,-0,0", "power_w: '-0' is not whole watts"),
        ("main-1,1,2026-01-01T00:00:00Z,5,,256", "status: 256 is not between 0 and 255"),
        ("main 1,1,2026-01-01T00:00:00Z,5,,0", "meter: 'main 1' is not"),
        ("", "(row): has 1 cells where 6 should be"),
    ],
)
def test_a_malformed_reading_is_refused_with_line_and_column(line, said):
    raw = f"{READINGS_HEADER}\n{LINE}\n{line}\n".encode()
    with pytest.raises(EvidenceRefused) as refused:
        read_readings("r.csv", raw)
    assert f"r.csv, line 3, {said}" in str(refused.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "line 1, (header): write exactly meter,seq,at"),
        (f"{READINGS_HEADER}\r\n{LINE}\r\n".encode(), "line 1, (header)"),
        (f"{READINGS_HEADER}\n{LINE}".encode(), "line 2, (row): the last line is cut off"),
        (f"{READINGS_HEADER}\n{LINE}\n\xff".encode("latin-1"), "line 3, (text): byte 0xff"),
    ],
)
def test_a_file_of_another_shape_is_refused(raw, said):
    with pytest.raises(EvidenceRefused) as refused:
        read_readings("r.csv", raw)
    assert said in str(refused.value)


def test_a_file_full_of_nonsense_is_given_up_early():
    raw = (READINGS_HEADER + "\n" + "x\n" * 5000).encode()
    with pytest.raises(EvidenceRefused) as refused:
        read_readings("r.csv", raw)
    assert str(refused.value).count("\n") < 110


@given(
    st.integers(0, 10**12 - 1),
    st.integers(0, 4_000_000_000),
    st.integers(0, 10**16 - 1),
    st.none() | st.integers(-(10**12) + 1, 10**12 - 1),
    st.integers(0, 255),
)
def test_every_reading_is_read_back_in_its_one_spelling(seq, at, register, power, status):
    values = Values(seq, at, register, power, status)
    (row,) = file_of([values]).by_meter["main-1"]
    assert row[:5] == tuple(values)
    assert reading_line("main-1", row) == reading_line("main-1", values)


# Meters


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("interval_s = 1800", "interval_s = 1700", "1700 s does not divide a day"),
        ('class = "0.2S"', 'class = "0.3S"', "'0.3S' is no choice here"),
        ('keys = ["gateway"]', 'keys = ["gatewey"]', "no key is called 'gatewey'; did you mean"),
        ('keys = ["gateway"]', "keys = []", "nobody signs for this meter"),
        ('id = "check-1"', 'id = "main-1"', "two meters are called main-1"),
        ('id = "old"', 'id = "gateway"', "two keys are called gateway"),
        ("until = 2026-01-02T12:00:00Z", "until = 2024-01-02T12:00:00Z", "ends before it begins"),
        ("since = 2025-01-01T00:00:00Z", "since = 2025-01-01", "should be a time in UTC"),
        ("most_kw = 12_000", "most_kw = -1", "-1 is not between 1 and"),
        ('role = "check"', 'role = "check"\ncolour = "red"', "is not a known key"),
        ("khazana.meters/1", "khazana.meters/9", "this program reads format"),
    ],
)
def test_a_malformed_declaration_of_meters_is_refused_with_its_place(old, new, said):
    assert old in METERS
    with pytest.raises(EvidenceRefused) as refused:
        meters(METERS.replace(old, new))
    assert said in str(refused.value)
    assert "meters.toml, line " in str(refused.value)


def test_a_key_of_small_order_is_refused():
    text = METERS.replace(
        f'"{seals_of.__defaults__[0].public_key().public_bytes_raw().hex()}"', '"' + "00" * 32 + '"'
    )
    with pytest.raises(EvidenceRefused) as refused:
        meters(text)
    assert "small order" in str(refused.value)


def test_a_private_key_of_bitcoin_in_the_declaration_is_refused():
    wif = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
    with pytest.raises(SecretRefused):
        meters(METERS.replace('holder = "Utility"', f'holder = "{wif}"', 1))


# Energy


def test_energy_is_the_difference_of_the_counter():
    rows = file_of(honest(3)).by_meter["main-1"]
    energy = energy_between("main-1", rows, first=START, until=START + DAY)
    assert (energy.low_wh, energy.high_wh, energy.exact) == (240_000_000, 240_000_000, True)


def test_a_gap_inside_costs_nothing_and_one_at_an_end_widens_the_bounds():
    values = honest(3)
    inside = file_of(values[:10] + values[20:]).by_meter["main-1"]
    assert energy_between("m", inside, first=START, until=START + DAY).exact
    at_end = file_of(values[:46] + values[50:]).by_meter["main-1"]
    energy = energy_between("m", at_end, first=START, until=START + DAY)
    assert (energy.low_wh, energy.high_wh) == (225_000_000, 250_000_000)


@given(st.sets(st.integers(1, 143), max_size=120))
def test_the_bounds_hold_the_truth_whatever_readings_are_missing(missing):
    values = honest(3)
    kept = [v for n, v in enumerate(values) if n not in missing]
    energy = energy_between(
        "m", file_of(kept).by_meter["main-1"], first=START + DAY, until=START + 2 * DAY
    )
    assert energy.low_wh <= 240_000_000 <= energy.high_wh


@pytest.mark.parametrize(
    ("first", "until", "said"),
    [
        (START - 1, START + DAY, "at or before its beginning"),
        (START, START + 3 * DAY + 1, "at or after its end"),
    ],
)
def test_energy_outside_the_readings_is_not_known(first, until, said):
    rows = file_of(honest(3)).by_meter["main-1"]
    with pytest.raises(EnergyUnknown, match=said):
        energy_between("main-1", rows, first=first, until=until)


def test_energy_across_a_reset_is_not_known_and_beside_it_is():
    values = honest(3)
    fallen = [*values[:60], *(v._replace(register_wh=v.register_wh // 1000) for v in values[60:])]
    rows = file_of(fallen).by_meter["main-1"]
    assert energy_between("m", rows, first=START, until=START + DAY).exact
    with pytest.raises(EnergyUnknown, match=r"the counter fell at 2026-01-02T06:00:00Z \(line 62"):
        energy_between("m", rows, first=START, until=START + 2 * DAY)


def test_a_meters_class_widens_its_energy():
    rows = file_of(honest(1)).by_meter["main-1"]
    energy = energy_between("m", rows, first=START, until=START + DAY)
    low, high = energy.with_error(meters().meters["main-1"].accuracy.percent)
    assert low == Decimal(240_000_000) / Decimal("1.002")
    assert high == Decimal(240_000_000) / Decimal("0.998")


# Bills and check meters

BILL = "document,meter,from,until,energy_kwh\n"
JAN_1 = "inv-1,main-1,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,240000\n"


def billed(text):
    rows = file_of(honest(3)).by_meter
    return reconcile_bills(read_bills("bills.csv", text.encode()), rows, meters(), file="bills.csv")


def test_a_bill_is_the_counters_difference():
    (one,), findings = billed(BILL + JAN_1)
    assert findings == ()
    assert (one.off_by_wh, one.allowed_wh) == (0, 1000)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (JAN_1.replace("240000", "240002"), "2000 Wh apart, 1000 Wh are allowed"),
        (JAN_1.replace("240000", "240000.5"), "500 Wh apart, 100 Wh are allowed"),
        (JAN_1.replace("main-1", "main-7"), "bills meter main-7, not declared"),
        (JAN_1.replace("main-1", "check-1"), "no reading stands at or before"),
        (JAN_1.replace("2026-01-02", "2026-01-09"), "no reading stands at or after"),
        (
            JAN_1 + "inv-2,main-1,2026-01-02T06:00:00Z,2026-01-03T00:00:00Z,180000\n",
            "leaves time unbilled after bill inv-1, which ends 2026-01-02T00:00:00Z",
        ),
        (
            JAN_1 + "inv-2,main-1,2026-01-01T12:00:00Z,2026-01-03T00:00:00Z,360000\n",
            "overlaps bill inv-1",
        ),
    ],
)
def test_a_bill_that_the_counter_does_not_bear_out_is_named(line, said):
    _, findings = billed(BILL + line)
    assert [f.rule for f in findings] == ["E13"]
    assert said in findings[0].text
    assert "bills.csv, line " in findings[0].where


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (JAN_1.replace("240000", "-5"), "line 2, energy_kwh: '-5': energy is not negative"),
        (JAN_1.replace("240000", "1e5"), "write kWh with up to three decimals"),
        (JAN_1.replace("2026-01-02", "2025-01-02"), "until: is not after the beginning"),
        (JAN_1 * 2, "line 3, document: inv-1 stands in line 2 already"),
    ],
)
def test_a_malformed_bill_is_refused(line, said):
    with pytest.raises(EvidenceRefused) as refused:
        read_bills("bills.csv", (BILL + line).encode())
    assert said in str(refused.value)


def both(mean_w):
    values = [("main-1", v) for v in honest(3)] + [("check-1", v) for v in honest(3, mean_w=mean_w)]
    rows = read_readings("r", write_readings(values)).by_meter
    return reconcile_check_meters("site-1", rows, meters(), first=START, until=START + 3 * DAY)


@pytest.mark.parametrize(("mean_w", "agrees"), [(10_069_000, True), (10_071_000, False)])
def test_the_check_meter_may_differ_by_both_classes_and_no_more(mean_w, agrees):
    (one,), findings = both(mean_w)
    assert one.agrees is agrees
    assert [f.rule for f in findings] == ([] if agrees else ["E14"])


def test_a_site_without_check_meter_is_named():
    _, (finding,) = reconcile_check_meters("site-2", {}, meters(), first=START, until=START + 1)
    assert (finding.rule, finding.text) == ("E14", "no main meter is declared")


def test_the_gateway_and_the_miner_have_different_keys():
    assert GATEWAY.public_key() != MINER.public_key()
