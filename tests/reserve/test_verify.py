"""What a verification says of honest statements, at each level of disclosure and requirement."""

import json

import pytest

from khazana.ledger.document_file import read_document_file, write_document_file
from khazana.reserve.case import Given
from khazana.reserve.levels import LEVELS, keep_at
from khazana.reserve.reading import read_reserve_statement
from khazana.reserve.verify import ORDER
from khazana.statement.checks import Profile
from khazana.statement.envelope import disclose, write_statement
from tests.reserve.simulator import verdicts
from tests.reserve.world import story


def disclosed(level: str) -> bytes:
    statement = read_reserve_statement(story().second).envelope
    return write_statement(disclose(statement, keep_at(level)))


def test_every_check_is_listed_in_order_in_every_report():
    told = story()
    report = told.world.check(told.second)
    assert tuple(line.result.name for line in report.lines) == ORDER


@pytest.mark.parametrize(
    ("level", "profile", "status"),
    [
        ("totals", Profile.TOTALS, 0),
        ("totals", Profile.ADDRESSES, 2),
        ("addresses", Profile.ADDRESSES, 0),
        ("addresses", Profile.FULL, 2),
        ("full", Profile.FULL, 0),
        ("auditor", Profile.FULL, 0),
        ("auditor", Profile.CONTROL, 2),
    ],
)
def test_a_disclosure_satisfies_the_profiles_it_is_made_for(level, profile, status):
    report = story().world.check(disclosed(level), profile=profile)
    assert report.failed == ()
    assert report.exit_status == status, verdicts(report)


@pytest.mark.parametrize("level", LEVELS)
def test_every_disclosure_has_the_same_root(level):
    told = story()
    assert read_reserve_statement(disclosed(level)).root == read_reserve_statement(told.second).root


def test_addresses_alone_let_anyone_derive_the_figures_from_the_chain():
    told = story()
    report = told.world.check(disclosed("addresses"))
    for name in ("balance", "opening", "closing_coins"):
        assert verdicts(report)[name] == "passed"
    assert verdicts(report)["entries"] == "not checkable"


def test_a_totals_disclosure_shows_no_address_no_coin_and_no_transaction():
    told = story()
    text = disclosed("totals").decode()
    for wallet in told.world.wallets:
        assert not any(script.hex() in text for script in wallet.scripts)
    for txid in (told.purchase, told.transfer, told.payment):
        assert txid not in text


def test_without_a_pin_nobody_is_the_signer_and_the_figures_still_hold():
    told = story()
    from khazana.bitcoin.descriptor_engines import best_engine
    from khazana.reserve.verify import Request, verify
    from tests.reserve.simulator import NOW

    report = verify(
        Request(
            raw=told.second,
            chain=told.world.chain,
            engine=best_engine(),
            profile=Profile.FULL,
            now=NOW,
        )
    )
    assert verdicts(report)["identity"] == "not checkable"
    assert verdicts(report)["signatures"] == "not checkable"
    assert "unknown signer" in report.result("identity").summary
    assert report.exit_status == 0


def test_opening_coins_may_be_accepted_from_the_previous_statement_and_the_report_says_so():
    told = story()
    report = told.world.check(told.second, previous=told.first, accept_opening=True)
    assert report.failed == ()
    assert "accepted from the previous statement" in report.result("opening").basis


def test_documents_open_their_commitments_and_a_changed_one_does_not():
    told = story()
    made = told.world.made(told.middle, told.end)
    opened = read_document_file(write_document_file(made.documents))
    given = {document.id: Given(document, salt) for document, salt in opened}
    raw = told.world.signed(made.statement)
    assert verdicts(told.world.check(raw, documents=given))["documents"] == "passed"
    from dataclasses import replace

    name, first = next(iter(given.items()))
    changed = {
        **given,
        name: Given(replace(first.document, counterparty="Exchange B"), first.salt),
    }
    assert told.world.check(raw, documents=changed).failed == ("documents",)


def test_limits_are_printed_every_time_and_name_what_cannot_be_seen():
    told = story()
    for raw in (told.first, told.second):
        report = told.world.check(raw)
        assert any(
            "Holdings outside the declared wallets cannot be seen" in x for x in report.limits
        )


def test_a_test_network_says_so_in_the_table_and_in_json():
    from khazana.statement.table import report_table

    told = story()
    report = told.world.check(told.second)
    assert "test network, invented figures" in report_table(report)
    assert json.loads(json.dumps(report.to_json()))["notice"] == "test network, invented figures"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"not json", b'{"format":"khazana.statement/1"}', b"\xff\xfe", b"[" * 100_000],
)
def test_a_file_that_is_no_statement_fails_the_first_check_and_blocks_the_rest(raw):
    report = story().world.check(raw)
    assert report.failed == ("schema",)
    assert report.exit_status == 1
    assert set(verdicts(report).values()) == {"failed", "not checkable"}


def test_a_truncated_statement_is_refused_at_every_length():
    told = story()
    for length in range(0, len(told.second), 997):
        assert told.world.check(told.second[:length]).failed == ("schema",)


def test_the_gross_inflow_of_a_wallet_and_the_net_of_the_public_sector_stand_side_by_side():
    """The case that defines the product: the page rises by 20 BTC, the public stock does not."""
    statement = read_reserve_statement(story().second)
    fund = statement.perimeters["fund-only"].figures
    public = statement.perimeters["public-sector"].figures
    reasons = {r.reason: r.amount for r in fund.reasons}
    assert reasons["transfer"] == 20 * 10**8
    assert fund.inflow == 23 * 10**8
    assert public.internal == 20 * 10**8
    assert "transfer" not in {r.reason for r in public.reasons}
