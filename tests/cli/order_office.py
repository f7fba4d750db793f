"""The folder of an office that spends: keys, identity, rules and a request, made by commands."""

from pathlib import Path

from khazana.cli.keys import read_key
from khazana.cli.main import main
from khazana.statement.keys import key_id, public_bytes

PEOPLE = ("root", "dana", "amir", "bibi", "mina", "musa")
ROLES = {
    "root": (1, ("root",)),
    "statement": (1, ("root",)),
    "drafter": (1, ("dana",)),
    "approver": (2, ("amir", "bibi")),
    "minister": (2, ("mina", "musa")),
}
SPENDING = """\
format = "khazana.spending/1"
check_valid_hours = 24
expires_within_days = 14
conditions = "{conditions}"
most_fee_sat = 50_000
per_address_btc = "500"
confirmations = 1
allow_list = false

[drafting]
role = "drafter"

[[approval]]
role = "approver"
approvals = 2
from_btc = "0"

[override]
role = "minister"
publish_after_days = 30

[purchase]
least_quotes = 2
quote_hours = 24

[[limit]]
id = "one-payment"
on = "payment"
per = "order"
most_btc = "0.5"
"""


class Office:
    """A folder and the commands run in it. The keys are made anew in every test."""

    def __init__(self, folder: Path, office_toml: str, *, conditions: str = "none") -> None:
        self.folder = folder
        self.ids = {}
        lines = []
        for name in PEOPLE:
            assert main(["office", "keygen", "--out", str(self.key(name))]) == 0
            public = public_bytes(read_key(self.key(name)))
            self.ids[name] = key_id(public)
            lines.append(f'[[key]]\nid = "{name}"\npublic = "{public.hex()}"\n')
        for role, (threshold, names) in ROLES.items():
            listed = ", ".join(f'"{name}"' for name in names)
            lines.append(f'[[role]]\nrole = "{role}"\nthreshold = {threshold}\nkeys = [{listed}]\n')
        (folder / "office.toml").write_text(office_toml + "\n" + "\n".join(lines))
        made = ["office", "identity", "--office", str(folder / "office.toml")]
        made += ["--key", str(self.key("root")), "--out", str(folder / "office.json")]
        assert main(made) == 0
        holders = "".join(
            f'\n[[holder]]\nid = "{name}"\nkeys = ["{id_}"]\n' for name, id_ in self.ids.items()
        )
        (folder / "spending.toml").write_text(SPENDING.format(conditions=conditions) + holders)

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    @property
    def log(self) -> Path:
        return self.folder / "orders.jsonl"

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, action: str, *words: object, by: str | None = None) -> int:
        """`khazana orders ACTION ...` in this folder."""
        given = ["orders", action, *map(str, words)]
        given += ["--by", by] if by else []
        return main([*given, "--office", str(self.folder / "office.toml")])
