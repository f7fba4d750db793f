"""Tags of the mining pages."""
