"""Conditions in a statement with a custodian, a seizure, a late wallet and a seal: they verify."""

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.days import closing_block
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.conditions.checks import ConditionChecks
from khazana.conditions.memorandum_file import read_memorandum
from khazana.conditions.parts import ConditionParts, conditions_of
from khazana.conditions.statistics import Figures
from khazana.ledger.accounts import CustodialAccount, Lane, Membership
from khazana.ledger.documents import Reason
from khazana.ledger.office import Attestation
from khazana.reserve.gather import gather_period
from khazana.reserve.make import make
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import Profile
from khazana.statement.office_file import Pin
from khazana.units import Sats
from tests.conditions.memoranda import RIGHT
from tests.conditions.worlds import declare_late, owed, public_world
from tests.reserve.simulator import BTC, NOW, SEED, World, script

BASE = date(2011, 2, 7)


def told(*, late: bool, sealed: bool) -> tuple[World, BlockRef, BlockRef]:
    """Consolidation, seizure, and 4 BTC that stay at a custodian throughout."""
    world = public_world()
    world.accounts.append(
        CustodialAccount("exchange", "treasury", {"en": "exchange"}, "Exchange A", Lane.OWNED)
    )
    (perimeter,) = world.perimeters
    members = (*perimeter.members, Membership("exchange"))
    world.perimeters[:] = [replace(perimeter, members=members)]
    start = world.mine(5)
    world.spend(script("treasury"), [(script("fund"), 20 * BTC)])
    world.mine()
    seized = world.fund(script("custody"), 7 * BTC)
    world.document("warrant", Reason.SEIZURE, "custody", 7 * BTC, seized)
    middle = world.mine(3)
    end = world.mine(2)
    world.mine(12)
    for block in (start, middle, end):
        letter = f"letter-{block.height}"
        world.attestations.append(
            Attestation(
                account="exchange",
                as_of=block,
                amount=Sats(4 * BTC),
                document=letter,
                attested_by="Exchange A",
                file_sha256="ab" * 32,
            )
        )
    if late:
        declare_late(world, "treasury", middle, sealed=start if sealed else None)
    return world, start, end


@pytest.mark.parametrize(
    ("late", "sealed", "verdict"),
    [(False, False, "shown"), (True, False, "asserted"), (True, True, "shown")],
)
def test_what_the_maker_states_the_verifier_finds(late, sealed, verdict):
    world, start, end = told(late=late, sealed=sealed)
    memorandum = read_memorandum(
        "drill.toml", RIGHT.replace("2026-01-01", BASE.isoformat()).encode()
    )
    base = closing_block(world.chain, BASE, ZoneInfo("Asia/Karachi"))
    parts = ConditionParts(
        [memorandum],
        figures=Figures((), (owed(start, 40), owed(end, 40))),
        closings={BASE: base},
        today=date(2026, 11, 22),
    )
    office = world.office()
    scripts = {s for w in office.wallets for s in w.scripts}
    statement = make(
        office,
        gather_period(world.chain, scripts, after=start, until=end),
        salt_seed=SEED,
        fingerprint=world.identity.fingerprint,
        previous=None,
        more=[parts],
    ).statement
    raw = world.signed(statement)
    report = verify(
        Request(
            raw=raw,
            chain=world.chain,
            engine=best_engine(),
            profile=Profile.FULL,
            now=NOW,
            pin=Pin(world.identity.fingerprint),
        ),
        more=[ConditionChecks([memorandum])],
    )
    assert report.failed == ()
    assert report.result("conditions").verdict.value == "passed"
    (body,) = conditions_of(read_reserve_statement(raw))
    (test,) = body.accumulation
    assert test.verdict.value == verdict
    assert [w.wallet for w in test.late] == (["treasury"] if late and not sealed else [])
