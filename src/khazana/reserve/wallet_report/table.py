"""A wallet report as a table (CSV): one line per address, one column per date."""

import csv
import io

from khazana.reserve.wallet_report.document import WalletReport
from khazana.statement.checks import TEST_NOTICE

COLUMNS = ("entity", "wallet", "storage", "lane", "address", "script")


def wallet_report_csv(report: WalletReport) -> str:
    """Addresses, then accounts and nil returns, then totals. Amounts are satoshis.

    lane: at the last date. No cell begins with a sign that spreadsheets take for a formula.
    """
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow([*COLUMNS, *(f"sat_{each.day}" for each in report.dates)])
    for entity in report.entities:
        for wallet in entity.wallets:
            for each in wallet.addresses:
                table.writerow(
                    [
                        entity.id,
                        wallet.id,
                        wallet.storage,
                        wallet.lanes[-1],
                        each.address or "",
                        each.script,
                        *each.amounts,
                    ]
                )
        for account in entity.accounts:
            amounts = ["not attested" if a is None else a for a in account.amounts]
            custodian = f"at {account.custodian}"
            table.writerow([entity.id, account.id, custodian, account.lane, "", "", *amounts])
        if entity.nil:
            table.writerow([entity.id, "nil return", "", "", "", "", *(0 for _ in report.dates)])
    for name in ("hot", "cold", "attested"):
        table.writerow(["total", "", name, "", "", "", *getattr(report, name)])
    if report.test:
        table.writerow([TEST_NOTICE])
    return written.getvalue()
