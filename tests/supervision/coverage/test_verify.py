"""A coverage statement as a stranger checks it."""

from khazana.statement.checks import Profile, Verdict
from khazana.supervision.coverage.reading import is_coverage
from khazana.supervision.coverage.verify import ORDER
from tests.supervision.coverage.scene import honest, words


def test_an_honest_statement_passes_every_check_that_can_be_made():
    report = honest().check(honest().published())
    assert report.failed == ()
    open_ = [x.result.name for x in report.lines if x.result.verdict is Verdict.NOT_CHECKABLE]
    assert open_ == ["coverage_attested", "coverage_beside", "control"], words(report)
    assert report.exit_status == 0
    assert tuple(line.result.name for line in report.lines) == ORDER


def test_proof_of_control_is_required_by_its_profile_only():
    report = honest().check(honest().published(), profile=Profile.CONTROL)
    assert report.exit_status == 2


def test_the_file_says_what_it_is():
    assert is_coverage(honest().published())
    assert not is_coverage(b'{"coverage":"khazana.coverage/1"}')


def test_each_asset_is_covered_or_not_and_nothing_more_is_said():
    said = words(honest().check(honest().published()))["coverage_assets"]
    height = honest().told[2].epoch.block.height
    assert f"BTC covered at block {height} by declared coins on the chain" in said
    assert f"USDT not covered at block {height}: 5000000 of 5000000 units are missing" in said
    assert f"ETH not covered at block {height}: nothing shows what is owed" in said
