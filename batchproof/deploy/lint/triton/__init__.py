"""The linter of Triton model repositories: what the server would refuse, or accept and do wrong without a word."""
