"""Statements as signed documents: parts, disclosures, evidence, identities, checks."""
