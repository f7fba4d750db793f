"""The wallet reports for the lender: made, and signed by the office and each of its bodies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from khazana.bitcoin.chain import ChainView
from khazana.cli.demo.deriving import resolved
from khazana.cli.demo.officers import Officers
from khazana.cli.offices import office_file
from khazana.reserve.reading import ReserveStatement
from khazana.reserve.wallet_report.document import FORMAT, WalletReportFile
from khazana.reserve.wallet_report.make import ever_paid, positions_at, report_of
from khazana.reserve.wallet_report.signing import role_of, sign_report
from khazana.statement.checks import TEST_NOTICE
from khazana.statement.identity import Office

ARRANGEMENT = f"Example arrangement ({TEST_NOTICE})"


@dataclass(frozen=True)
class Reporter:
    """An office that reports: its keys and those of its bodies, and its identity."""

    officers: Officers
    identity: Office

    def report(
        self,
        office_toml: Path,
        chain: ChainView,
        days: Sequence[date],
        statements: Sequence[ReserveStatement],
        *,
        at: datetime,
    ) -> WalletReportFile:
        """The report at the close of these days, the base date first, signed at one instant.

        statements: those that close at the dates; the report names them and agrees with them.
        """
        office = resolved(office_file(str(office_toml)), chain)
        scripts = {script for wallet in office.wallets for script in wallet.scripts}
        positions = positions_at(chain, scripts, days, timezone=office.rules.timezone)
        report = report_of(
            office,
            positions,
            used=ever_paid(chain, scripts, positions[-1].block),
            tip=chain.tip(),
            fingerprint=self.identity.fingerprint,
            arrangement=ARRANGEMENT,
            statements=statements,
        )
        file = WalletReportFile(format=FORMAT, report=report, signatures=[])
        for entity in (None, *(entity.id for entity in report.entities)):
            for key in self.officers.signers(role_of(entity)):
                file = sign_report(file, self.identity, key, at=at, entity=entity)
        return file
