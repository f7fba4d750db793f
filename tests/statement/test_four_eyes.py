"""Four eyes: who counts, for which content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.statement.four_eyes import (
    Confirmation,
    ConfirmationRefused,
    counting,
    is_confirmed,
    require_may_confirm,
)

PEOPLE = st.sampled_from(["amina", "bilal", "carla", "dawud"])
GIVEN = st.lists(st.builds(Confirmation, PEOPLE, st.sampled_from(["old", "new"])))


@given(PEOPLE, GIVEN)
def test_it_takes_two_different_people_who_are_not_the_author(author, given):
    people = {each.person for each in given if each.digest == "new"} - {author}
    assert is_confirmed(author, "new", given) == (len(people) >= 2)
    assert set(counting(author, "new", given)) == people


def test_a_change_undoes_what_was_confirmed():
    given = [Confirmation("bilal", "old"), Confirmation("carla", "old")]
    assert is_confirmed("amina", "old", given)
    assert not is_confirmed("amina", "new", given)


@pytest.mark.parametrize(
    ("person", "seen", "said"),
    [
        ("amina", "new", "its author"),
        ("carla", "old", "has changed"),
        ("bilal", "new", "counts once"),
    ],
)
def test_who_may_not_confirm_is_told_why(person, seen, said):
    given = [Confirmation("bilal", "new"), Confirmation("carla", "old")]
    with pytest.raises(ConfirmationRefused, match=said):
        require_may_confirm(person, author="amina", digest="new", seen=seen, given=given)


def test_who_confirmed_an_older_version_is_asked_again():
    given = [Confirmation("carla", "old")]
    require_may_confirm("carla", author="amina", digest="new", seen="new", given=given)
