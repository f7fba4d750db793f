"""How the tables of audits came about."""
