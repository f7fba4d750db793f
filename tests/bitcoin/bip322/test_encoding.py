import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.bitcoin.bip322.encoding import (
    read_stack,
    read_text,
    write_full,
    write_proof_of_funds,
    write_simple,
)
from khazana.bitcoin.bip322.verdict import Reason, Refusal, Variant


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_a_stack_comes_back_as_it_was_written(stack):
    variant, raw = read_text(write_simple(stack), allow_unprefixed=False)
    assert variant is Variant.SIMPLE
    assert read_stack(raw) == tuple(stack)


@given(st.binary(min_size=1))
def test_the_prefix_names_the_form(raw):
    assert read_text(write_full(raw), allow_unprefixed=False) == (Variant.FULL, raw)
    text = write_proof_of_funds(raw)
    assert read_text(text, allow_unprefixed=True) == (Variant.PROOF_OF_FUNDS, raw)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "smp",
        "smpA",
        "smpAA",
        "smpAA=",
        "smpAA===",
        "smpAB==",  # the last letter has bits that mean nothing
        "smpAA==\n",
        " smpAA==",
        "smp AA==",
        "smpAA-_",
        "smpÄÄ==",
        "SMPAA==",
        "AkcwRAIg",
        "not-valid-base64!!!",
    ],
)
def test_any_other_text_is_refused(text):
    with pytest.raises(Refusal) as caught:
        read_text(text, allow_unprefixed=False)
    assert caught.value.reason in (Reason.MALFORMED, Reason.NO_PREFIX)
    assert caught.value.conclusive


def test_old_text_without_a_prefix_is_simple_where_allowed():
    text = base64.b64encode(b"\x01\x00").decode()
    assert read_text(text, allow_unprefixed=True) == (Variant.SIMPLE, b"\x01\x00")


@pytest.mark.parametrize("raw", ["", "01", "0102", "02010000ff", "fd01000100", "ff" * 9, "0001"])
def test_a_stack_that_is_cut_or_too_long_is_refused(raw):
    with pytest.raises(Refusal) as caught:
        read_stack(bytes.fromhex(raw))
    assert caught.value.reason is Reason.MALFORMED
