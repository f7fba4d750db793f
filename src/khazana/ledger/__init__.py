"""The ledger: entities, wallets, postings, perimeters, documents, valuation."""
