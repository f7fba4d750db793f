"""The house that the journeys walk in stands: its office is read and its wallet is on the chain."""

import pytest

pytest.importorskip("allauth")

from khazana.ledger.office_file import load_office
from tests.portal.desk.house import described_office


def test_the_described_office_is_one_that_the_ledger_reads(tmp_path):
    fingerprint, cold = described_office(tmp_path)
    office = load_office(tmp_path / "data" / "office" / "office.toml")
    assert [wallet.id for wallet in office.wallets] == ["cold"]
    assert len(fingerprint.replace(" ", "")) >= 16
    assert "sortedmulti" in cold.text
