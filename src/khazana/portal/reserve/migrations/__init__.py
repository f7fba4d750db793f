"""How the tables of the reserve came about."""
