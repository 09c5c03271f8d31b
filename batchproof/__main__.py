"""`python -m batchproof` is the `batchproof` command."""

from batchproof.cli import main

main()
