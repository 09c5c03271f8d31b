"""The gate: whether a store may be used, judged from its manifest and from the files that are really there."""
