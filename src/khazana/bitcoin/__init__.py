"""Bitcoin itself: transactions, blocks, scripts, descriptors, headers, and the ChainView port."""
