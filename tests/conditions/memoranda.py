"""Small memoranda for tests: one that is right, and changes that make it wrong in one way."""

from khazana.conditions.memorandum import Memorandum
from khazana.conditions.memorandum_file import read_memorandum

RIGHT = """\
format = "khazana.memorandum/1"

[memorandum]
id = "drill"
name = { en = "Drill arrangement" }
lender = "Drill Lender"
country = "XXX"
arrangement = "Drill facility"
approved = 2026-01-01

[[perimeter]]
id = "public-sector"
name = { en = "Public sector" }
definition = "Every public body."
source = { document = "drill paper", page = 3, mark = "S" }

[[perimeter]]
id = "central-bank"
name = { en = "Central bank" }
definition = "The central bank alone."
source = { document = "drill paper", page = 3, mark = "S" }

[[rate]]
currency = "PKR"
per_usd = "280"
as_of = 2026-01-01
source = { document = "drill paper", page = 4, mark = "S" }

[[reference]]
quantity = "gross_international_reserves"
date = 2026-06-30
value = 11710
unit = "USD m"
source = { document = "drill paper", page = 5, mark = "S" }

[[effect]]
reason = "acquisition"
paid_from = "central_bank"
quantity = "net_international_reserves"
factor = -1
source = { document = "drill paper", page = 5, mark = "I" }

[[condition]]
id = "net-reserves"
name = { en = "Floor on net reserves" }
kind = "periodic_performance_criterion"
quantity = "net_international_reserves"
perimeter = "central-bank"
unit = "USD m"
sign = "negative"
direction = "floor"
source = { document = "drill paper", page = "6-7", mark = "S" }

[[condition.target]]
date = 2026-06-30
value = "-12150"

[[condition.target]]
date = 2026-12-31
value = "-8650.5"

[[condition.adjuster]]
id = "financing"
quantity = "external_financing"
unit = "USD m"
trigger = "shortfall"
factor = 1
cap = 500

[[condition.adjuster.projection]]
date = 2026-06-30
value = 2000

[[condition.adjuster.projection]]
date = 2026-12-31
value = 3000

[[condition]]
id = "transfers"
name = { en = "Floor on transfers" }
kind = "indicative_target"
quantity = "social_transfers"
perimeter = "public-sector"
unit = "PKR bn"
sign = "positive"
direction = "floor"
cumulative_from = 2025-12-31
reporting_lag_days = 30
source = { document = "drill paper", page = 8, mark = "S" }

[[condition.target]]
date = 2026-06-30
value = 100

[[condition.target]]
date = 2026-12-31
value = 235

[[condition]]
id = "no-accumulation"
name = { en = "No accumulation of bitcoin" }
kind = "continuous_performance_criterion"
quantity = "bitcoin_accumulation"
perimeter = "public-sector"
unit = "BTC"
sign = "zero"
direction = "ceiling"
cumulative_from = 2026-01-01
source = { document = "drill paper", page = 9, mark = "S" }

[condition.ledger]
counts = ["acquisition", "mined"]
excluded_reasons = ["seizure", "dust"]
excluded_lanes = ["seized"]
net_of_clients = true

[[condition.target]]
since = 2026-01-01
value = 0

[[condition]]
id = "report"
name = { en = "A report" }
kind = "reporting_duty"
quantity = "done"
perimeter = "public-sector"
unit = "done"
sign = "positive"
direction = "floor"
reporting_lag_days = 10
source = { document = "drill paper", page = 10, mark = "S" }

[[condition.target]]
date = 2026-06-30
value = 1
"""


def changed(*changes: tuple[str, str]) -> str:
    """The right memorandum with some texts replaced, each of which must stand in it."""
    text = RIGHT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def memorandum(*changes: tuple[str, str]) -> Memorandum:
    return read_memorandum("drill.toml", changed(*changes).encode())
