"""A letter between two fictional offices, signed by their statement keys, for tests."""

from datetime import datetime

from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.shipped import shipped_agreement_bytes
from khazana.accord.agreement.signed import SignedAgreement, minutes_digest, signed_agreement
from khazana.accord.agreement.signing import sign_agreement
from khazana.statement.identity import Office
from tests.reserve.simulator import keys

MINUTES = "SYNTHETIC minutes. The delegations compared their logs."


def letter(first: Office, second: Office) -> str:
    """The ready letter of intent with these two offices' fingerprints."""
    text = shipped_agreement_bytes("letter_of_intent").decode()
    text = text.replace("test = false", "test = true").replace(
        'id = "letter-of-intent"', 'id = "drill-letter"'
    )
    for ready, office in (("pakistan", first), ("el-salvador", second)):
        text = text.replace(
            f'id = "{ready}"\nkind = "office"',
            f'id = "{ready}"\nkind = "office"\noffice = "{office.fingerprint}"',
        )
    return text


def amended(text: str, *, minutes: str = MINUTES, due: str = "2026-02-01") -> str:
    """The next version: a visit with minutes, and an action that it led to."""
    before = read_agreement("letter.toml", text.encode())
    head = f'version = {before.version + 1}\nprevious = "{before.digest}"'
    if before.previous is not None:
        text = text.replace(f'previous = "{before.previous}"\n', "")
    return (
        text.replace(f"version = {before.version}", head)
        + f"""
[[commitment]]
id = "second-look"
article = "reserves"
owner = "pakistan"
since = 2026-01-01
due = {due}
words = {{ en = "A correction", ur = "تصحیح", ar = "تصحيح", es = "Una corrección" }}
proof = {{ kind = "correction", by = "pakistan" }}

[[visit]]
id = "first-visit"
on = 2026-01-20
place = {{ en = "Drill City", ur = "ڈرل شہر", ar = "مدينة التمرين", es = "Ciudad Simulacro" }}
host = "pakistan"
guests = ["el-salvador"]
minutes = "{minutes_digest(minutes)}"
summary = {{ en = "Logs compared", ur = "لاگ کا موازنہ", ar = "مقارنة السجلات", es = "Registros" }}
actions = ["second-look"]
"""
    )


def signed(
    text: str,
    party: str,
    office: Office,
    *,
    at: datetime,
    by: int = 2,
    minutes: tuple[str, ...] = (),
) -> SignedAgreement:
    """The text with signatures of so many of the office's keys."""
    agreement = read_agreement("letter.toml", text.encode())
    envelopes = [
        sign_agreement(agreement, agreement.party(party), office, key, at=at)
        for key in keys(office.id)[:by]
    ]
    return signed_agreement(text, envelopes, minutes=minutes)
