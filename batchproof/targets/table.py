"""The table of all targets for people: `python -m batchproof.targets.table > docs/targets.md`."""

from __future__ import annotations

import sys

from batchproof.targets import Target, all_targets

_HEAD = """\
# Targets

What `--target` knows, generated from `batchproof/targets/targets.toml` by

    python -m batchproof.targets.table > docs/targets.md

A value with (?) was not seen on a page or in a source of the vendor, only on others'. An engine is refused when the
TensorRT that is installed here is of another release line than the target's; `build_engines.sh` builds it inside the
container instead.

| Target | TensorRT | CUDA | Container or provider | Engine file | Precisions | Options |
|---|---|---|---|---|---|---|
"""


def table() -> str:
    """Return the page, in Markdown."""
    rows = "".join(map(_row, all_targets()))
    notes = "".join(f"- `{target.name}` ({target.product}): {' '.join(target.notes)}\n" for target in all_targets())
    return f"{_HEAD}{rows}\n## What to know\n\n{notes}"


def _row(target: Target) -> str:
    cells = [
        f"`{target.name}`",
        _marked(target, "tensorrt") or "any",
        _marked(target, "cuda"),
        _marked(target, "container") or target.provider,
        f"`{target.engine}`",
        ", ".join(target.precisions),
        _options(target),
    ]
    return f"| {' | '.join(cell or '-' for cell in cells)} |\n"


def _marked(target: Target, field: str) -> str:
    value = str(getattr(target, field))
    return f"{value} (?)" if field in target.unconfirmed else value


def _options(target: Target) -> str:
    levels = f"hardware ({', '.join(target.hardware)})"
    return ", ".join(levels if option == "hardware" else option for option in target.options)


if __name__ == "__main__":
    sys.stdout.write(table())
