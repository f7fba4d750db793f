"""Tables of the desk's reconciliation."""
