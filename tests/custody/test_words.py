import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.custody.policy import LockKind, NoPolicyStated, is_met, key_id, keys_in, policy_of
from khazana.custody.ways import fewest_keys, ways_of
from khazana.custody.words import about, describe
from tests.custody.quorums import (
    NAMES,
    NUMS,
    RECOVERY,
    TAPROOT,
    TWO_OF_THREE,
    A,
    B,
    C,
    D,
    E,
    parsed,
)

HASH = "6c60f404f8167a38fc70eaf8aa17ac351023bef8"

SAID = {
    f"wpkh({A})": "Anna",
    TWO_OF_THREE: "any 2 of Anna, Bo, Cia",
    f"sh(wsh(sortedmulti(2,{A},{B},{C})))": "any 2 of Anna, Bo, Cia",
    f"sh(multi(3,{A},{B},{C}))": "all of Anna, Bo, Cia",
    f"wsh(multi(1,{A},{B}))": "Anna; or Bo",
    f"wsh(and_v(v:pk({A}),pk({B})))": "Anna and Bo",
    RECOVERY: "any 2 of Anna, Bo, Cia; or Dara after about 1 year (52,560 blocks)",
    TAPROOT: "any 2 of Anna, Bo, Cia; or Dara after about 1 year (52,560 blocks)",
    # Without NUMS the internal key is a way of its own.
    f"tr({D},multi_a(2,{A},{B},{C}))": "Dara; or any 2 of Anna, Bo, Cia",
    # The earliest way is said first, wherever it is written.
    f"wsh(or_i(and_v(v:pkh({D}),older(1008)),multi(2,{A},{B})))": (
        "Anna and Bo; or Dara after about 7 days (1,008 blocks)"
    ),
    f"wsh(thresh(2,pk({A}),s:pk({B}),sln:older(52560)))": (
        "Anna and Bo; or any 1 of Anna, Bo after about 1 year (52,560 blocks)"
    ),
    f"wsh(and_v(v:pk({A}),after(900000)))": "Anna from block 900,000 on",
    f"wsh(and_v(v:pk({A}),after(1800000000)))": "Anna from 2027-01-15 08:00:00 UTC on",
    f"wsh(and_v(v:pk({A}),older(4209985)))": "Anna after about 3 months (8,028,672 seconds)",
    f"wsh(and_v(v:pk({A}),hash160({HASH})))": (
        "Anna and whoever knows what hash160 turns into 6c60f404…"
    ),
    f"wsh(andor(pk({A}),older(144),pk({B})))": "Bo; or Anna after about 1 day (144 blocks)",
    f"wsh(and_v(v:multi(2,{A},{B},{C}),or_d(pk({D}),pkh({E}))))": (
        "(any 2 of Anna, Bo, Cia) and (any 1 of Dara, Esa)"
    ),
}


@pytest.mark.parametrize(("text", "said"), SAID.items(), ids=SAID.values())
def test_a_policy_is_said_in_plain_words(text, said):
    assert describe(parsed(text), NAMES) == said


def test_a_wait_that_does_not_fit_its_16_bits_is_no_wait():
    """BIP-68 reads 16 bits: whoever writes older(65536) to mean 455 days gets none at all."""
    text = f"wsh(or_d(multi(2,{A},{B}),and_v(v:pk({C}),older(65536))))"
    assert describe(parsed(text), NAMES) == "Anna and Bo; or Cia"
    text = text.replace("65536", "65680")
    assert describe(parsed(text), NAMES).endswith("Cia after about 1 day (144 blocks)")


def test_a_key_without_a_name_is_called_by_its_place_and_fingerprint():
    fingerprint = parsed(f"wpkh({B})").keys[0].fingerprint
    assert describe(parsed(TWO_OF_THREE), {parsed(f"wpkh({A})").keys[0].key: "Anna"}).startswith(
        f"any 2 of Anna, key 2 ({fingerprint}), key 3 ("
    )


def test_two_keys_of_one_holder_are_told_apart():
    names = dict.fromkeys(NAMES, "Anna")
    assert describe(parsed(TWO_OF_THREE), names) == "any 2 of Anna, Anna (key 2), Anna (key 3)"


def test_a_way_counts_the_fewest_keys_it_needs():
    at_once, later = ways_of(policy_of(parsed(RECOVERY)))
    assert (fewest_keys(at_once), fewest_keys(later)) == (2, 1)
    assert at_once.open_at_once
    assert [(lock.kind, lock.value) for lock in later.waits] == [(LockKind.BLOCKS, 52_560)]


def test_nobodys_point_below_an_extended_key_opens_no_key_path():
    import wallycore

    from khazana.bitcoin.base_encodings import base58check_decode, base58check_encode

    raw = base58check_decode(parsed(f"wpkh({A})").keys[0].key)
    dead = base58check_encode(raw[:45] + b"\x02" + bytes.fromhex(NUMS))
    wallycore.bip32_key_from_base58(dead)
    text = f"tr({dead}/<0;1>/*,multi_a(2,{A},{B}))"
    assert describe(parsed(text), NAMES) == "Anna and Bo"


@pytest.mark.parametrize(
    "text", [f"addr({'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'})", "raw(51)"]
)
def test_addresses_and_scripts_say_nothing_about_who_may_spend(text):
    with pytest.raises(NoPolicyStated, match="not its keys"):
        describe(parsed(text), NAMES)


KEYS = st.sampled_from([A, B, C, D, E])


def _satisfied(part, held, waited):
    """A second reading of the descriptor's own tree, fragment by fragment."""
    from khazana.bitcoin.descriptor_grammar import Expression

    inner = [_satisfied(a, held, waited) for a in part.arguments if isinstance(a, Expression)]
    keys = [a.key in held for a in part.arguments if not isinstance(a, (Expression, int, bytes))]
    if part.name in ("multi", "sortedmulti"):
        return sum(keys) >= part.arguments[0]
    if part.name == "thresh":
        return sum(inner) >= part.arguments[0]
    if part.name == "older":
        return part.arguments[0] <= waited
    if part.name == "andor":
        return (inner[0] and inner[1]) or inner[2]
    if part.name in ("or_d", "or_i"):
        return any(inner)
    if part.name == "and_v":
        return all(inner)
    return all([*inner, *keys])


@given(
    held=st.sets(st.sampled_from(sorted(NAMES))),
    waited=st.sampled_from([0, 143, 144, 1007, 60_000]),
)
@pytest.mark.parametrize(
    "text",
    [t for t in SAID if not any(w in t for w in ("hash", "after", "tr(", "older(4209985)"))],
)
def test_the_ways_open_exactly_when_the_descriptor_does(text, held, waited):
    descriptor = parsed(text)
    ways = ways_of(policy_of(descriptor))
    opened = any(
        is_met(way.who, by=frozenset(held), locks_open=False)
        and all(lock.value <= waited for lock in way.waits)
        for way in ways
    )
    assert opened == _satisfied(descriptor.tree, held, waited)


def test_every_key_of_a_policy_is_found():
    assert [key_id(k) for k in keys_in(policy_of(parsed(RECOVERY)))] == [
        k.key for k in parsed(RECOVERY).keys
    ]


@given(st.integers(0, 2**32))
def test_a_span_in_words_is_never_more_than_a_third_off(seconds):
    count, unit = about(seconds).split()
    sizes = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "month": 2_592_000}
    size = sizes.get(unit.rstrip("s"), 31_536_000)
    assert abs(int(count) * size - seconds) * 3 <= seconds or seconds < 60
