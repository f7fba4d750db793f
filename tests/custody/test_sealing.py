"""Sealed proofs: only the reader they are for opens them, and a changed byte is noticed."""

import pytest

pyrage = pytest.importorskip("pyrage", reason="the office profile brings age")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from khazana.custody.sealing import (  # noqa: E402
    AgeIdentityRefused,
    RecipientRefused,
    SealBroken,
    SealedForSomebodyElse,
    seal,
    unseal,
)

AUDITOR, LENDER, STRANGER = (pyrage.x25519.Identity.generate() for _ in range(3))
PROOFS = b'{"proofs":"' + b"a" * 70_000 + b'"}\n'
SEALED = seal(PROOFS, [str(AUDITOR.to_public()), str(LENDER.to_public())])


@pytest.mark.parametrize("who", [AUDITOR, LENDER])
def test_each_reader_opens_what_was_sealed_for_them(who):
    assert PROOFS[:20] not in SEALED
    assert unseal(SEALED, f"# created: today\n\n{who}\n") == PROOFS
    assert unseal(SEALED, f"{STRANGER}\n{who}") == PROOFS


def test_what_is_sealed_for_somebody_else_stays_closed():
    with pytest.raises(SealedForSomebodyElse, match="none of the 1 keys") as refused:
        unseal(SEALED, str(STRANGER))
    assert "SECRET" not in str(refused.value)


def test_age_itself_opens_it():
    assert pyrage.decrypt(SEALED, [AUDITOR]) == PROOFS


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed_wherever_it_stands(place, change):
    damaged = bytearray(SEALED)
    damaged[place] ^= change
    with pytest.raises((SealBroken, SealedForSomebodyElse)):
        unseal(bytes(damaged), str(AUDITOR))


@given(st.integers(0, len(SEALED) - 1))
def test_a_file_that_was_cut_off_is_noticed(size):
    with pytest.raises((SealBroken, SealedForSomebodyElse)):
        unseal(SEALED[:size], str(AUDITOR))


@pytest.mark.parametrize("text", ["", "# only a note", "AGE-SECRET-KEY-1NOTONE", "xprv"])
def test_a_file_without_a_usable_key_is_refused_and_not_repeated(text):
    with pytest.raises(AgeIdentityRefused) as refused:
        unseal(SEALED, text)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("key", ["", "age1", "anna", str(AUDITOR.to_public())[:-1] + "b"])
def test_what_is_no_age_key_cannot_be_sealed_for(key):
    with pytest.raises(RecipientRefused):
        seal(PROOFS, [key])


def test_a_private_key_is_no_recipient_and_is_not_repeated():
    with pytest.raises(RecipientRefused) as refused:
        seal(PROOFS, [str(AUDITOR)])
    assert str(AUDITOR) not in str(refused.value)


def test_sealing_for_nobody_is_our_own_mistake():
    with pytest.raises(ValueError, match="for somebody"):
        seal(PROOFS, [])
