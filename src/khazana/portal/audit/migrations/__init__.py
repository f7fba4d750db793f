"""How the tables of the audit log came about."""
