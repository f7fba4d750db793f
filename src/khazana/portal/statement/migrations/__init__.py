"""How the tables of published statements came about."""
