"""Memoranda: the lender's conditions, written and tried."""
