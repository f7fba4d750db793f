"""What keeps the log append-only below Django: triggers of the database itself.

They stop accidents, other programs and whoever has the portal's statements but not its schema.
An owner of the database can drop them; that the chain and older exports show.
"""

from typing import Any

TABLE = "audit_actrow"
_REFUSES = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
_SQLITE = (
    f"CREATE TRIGGER {TABLE}_no_update BEFORE UPDATE ON {TABLE} {_REFUSES}",
    f"CREATE TRIGGER {TABLE}_no_delete BEFORE DELETE ON {TABLE} {_REFUSES}",
    # Without this, INSERT OR REPLACE would take an old act's place: SQLite fires no DELETE trigger
    # for it unless recursive triggers are on.
    f"CREATE TRIGGER {TABLE}_no_replace BEFORE INSERT ON {TABLE} "
    f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE number = NEW.number OR previous = NEW.previous "
    f"OR digest = NEW.digest) {_REFUSES}",
)
_POSTGRESQL = (
    f"CREATE FUNCTION {TABLE}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    f"CREATE FUNCTION {TABLE}_no_truncation() RETURNS trigger LANGUAGE plpgsql AS $$ "
    f"BEGIN IF EXISTS (SELECT 1 FROM {TABLE}) THEN "
    "RAISE EXCEPTION 'the audit log is append-only'; END IF; RETURN NULL; END $$",
    f"CREATE TRIGGER {TABLE}_no_change BEFORE UPDATE OR DELETE ON {TABLE} "
    f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_append_only()",
    f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_no_truncation()",
)


def put(apps: Any, schema_editor: Any) -> None:
    """Make the triggers of the database that this is."""
    vendor = schema_editor.connection.vendor
    for statement in {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}[vendor]:
        schema_editor.execute(statement)


def take(apps: Any, schema_editor: Any) -> None:
    """Remove them, so that the table can be changed by a later migration or dropped."""
    if schema_editor.connection.vendor == "sqlite":
        for what in ("update", "delete", "replace"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_no_{what}")
        return
    for what in ("change", "truncate"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_no_{what} ON {TABLE}")
    for name in ("append_only", "no_truncation"):
        schema_editor.execute(f"DROP FUNCTION IF EXISTS {TABLE}_{name}()")
