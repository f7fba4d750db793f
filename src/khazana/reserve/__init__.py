"""The reserve: a period's statement made from the chain and the books, and its checks."""
