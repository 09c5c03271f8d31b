"""How long things take, as ratios within one run: `nox -s bench`. Nothing here is a test."""
