"""Drafts of transactions: coins chosen, fee and change computed, PSBTs written and compared."""
