"""The table of all targets for people: `python -m batchproof.targets.table > docs/targets.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from batchproof.targets import Target, all_targets

_HEAD = """\
# Targets

What `--target` knows, generated from `batchproof/targets/targets.toml` by

    python -m batchproof.targets.table > docs/targets.md

Batchproof ran on ONNX Runtime, on CPUs and by its CUDA provider on an H200, compiled with TensorRT-RTX, and served by a
tritonserver 2.51 without a GPU. No enterprise TensorRT, container or DeepStream has run: what is said of them was read,
and the script was run with a stand-in for trtexec.

A value with (?) was not seen on a page or in a source of the vendor, only on others'. An engine belongs to the build of
TensorRT that made it: it is refused when the TensorRT that is installed here is another, as far as the target's is
known; `build_engines.sh` builds it inside the container instead.
"""
_COLUMNS = """
| Target | TensorRT | CUDA | Container or provider | Engine file | Precisions | Options |
|---|---|---|---|---|---|---|
"""
_TITLES = {
    "session": "ONNX Runtime",
    "builder": "Built and loaded where Batchproof runs",
    "deepstream": "DeepStream",
    "triton": "Triton",
}


def table() -> str:
    """Return the page, in Markdown: a table and notes for each family."""
    families = groupby(all_targets(), key=attrgetter("family"))
    return _HEAD + "".join(_section(_TITLES[name], list(members)) for name, members in families)


def _section(title: str, members: list[Target]) -> str:
    notes = "".join(_notes(members))
    return f"\n## {title}\n{_COLUMNS}{''.join(map(_row, members))}{notes and f'{chr(10)}{notes}'}"


def _notes(members: list[Target]) -> Iterator[str]:
    """What holds for all once, what is an engine's in their configuration, then what is said of some alone."""
    common = [note for note in members[0].notes if all(note in member.notes for member in members[1:])]
    yield from (f"- {note}\n" for note in common)
    if members[0].usage:
        yield f"- For each engine `build_engines.sh` prints these lines: `{'`, `'.join(members[0].usage)}`.\n"
    said = list(dict.fromkeys(note for member in members for note in member.notes))
    for note in said:
        if note not in common:
            names = ", ".join(f"`{member.name}`" for member in members if note in member.notes)
            yield f"- {names}: {note}\n"


def _row(target: Target) -> str:
    cells = [
        f"`{target.name}`",
        _marked(target, "tensorrt") or "any",
        _marked(target, "cuda"),
        _marked(target, "container") or target.provider,
        "-" if target.is_provider else f"`{target.engine}`",
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
