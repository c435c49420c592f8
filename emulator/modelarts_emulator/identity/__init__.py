"""Who calls: accounts, keys, tokens, signatures."""
