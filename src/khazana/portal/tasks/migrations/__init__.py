"""How the tables of the work came about."""
