"""The demo: two states' programmes and a dishonest office on an embedded test network."""
