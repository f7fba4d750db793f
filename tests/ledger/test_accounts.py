import pytest

from khazana.ledger.accounts import Lane, LaneSpan, Membership, Perimeter, Wallet
from khazana.units import Height
from tests.ledger.paper_chain import block_ref, script_of, wallet_of


def test_a_membership_covers_the_blocks_after_since_up_to_until() -> None:
    member = Membership("a", since=block_ref(5), until=block_ref(7))
    assert [h for h in range(10) if member.covers(Height(h))] == [6, 7]
    assert all(Membership("a").covers(Height(h)) for h in (0, 1, 10**7))


def test_a_perimeter_names_its_accounts_at_every_height() -> None:
    perimeter = Perimeter(
        "p",
        {"en": "P"},
        (Membership("a"), Membership("b", since=block_ref(5)), Membership("c", until=block_ref(5))),
    )
    assert perimeter.accounts_at(Height(5)) == {"a", "c"}
    assert perimeter.accounts_at(Height(6)) == {"a", "b"}


def test_a_lane_holds_from_the_end_of_its_block_until_the_next() -> None:
    wallet = wallet_of(
        "a",
        lanes=(
            LaneSpan(Lane.SEIZED, None),
            LaneSpan(Lane.FORFEITED, block_ref(5)),
            LaneSpan(Lane.OWNED, block_ref(9)),
        ),
    )
    assert [wallet.lane_at(Height(h)).value for h in (-1, 0, 4, 5, 8, 9, 99)] == [
        "seized",
        "seized",
        "seized",
        "forfeited",
        "forfeited",
        "owned",
        "owned",
    ]


@pytest.mark.parametrize(
    ("name", "scripts", "problem"),
    [
        ("(outside)", (script_of("a"),), "stand for outsiders"),
        ("a", (script_of("a"), script_of("a")), "declares a script twice"),
    ],
)
def test_a_wallet_cannot_be_built_wrong(
    name: str, scripts: tuple[bytes, ...], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Wallet(
            id=name,
            entity="treasury",
            name={"en": "A"},
            scripts=scripts,
            lanes=(LaneSpan(Lane.OWNED, None),),
            declared=block_ref(0),
        )
