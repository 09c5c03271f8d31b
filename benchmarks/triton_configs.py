"""What Triton's own protobuf reads in the emitted configurations: `python -m benchmarks.triton_configs`.

Parses every configuration of every target, backend and pack, and writes reports/triton_configs.md. A second.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import metadata
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any

from google.protobuf import text_format

from batchproof.deploy.triton.plan import Backend
from batchproof.deploy.triton.repository import repository_files
from tests.deploy.triton.plans import BACKENDS, PACKS, RELEASES, pack_plan, read_config, type_name

# The rows that are shown: other targets differ in a comment alone, other packs in their networks.
_SHOWN_RELEASE, _SHOWN_PACKS = RELEASES[-1], ("demo", "buffalo_l")
_HEAD = """\
# Emitted configurations, as Triton's own protobuf reads them

Written by `python -m benchmarks.triton_configs`, from the known specs of the packs, profile 1,16,32, nothing measured.

**{count} configurations** of {releases} targets, {backends} backends and {packs} packs were parsed by
`model_config_pb2` of tritonclient {version}, and each equals what is read back after that protobuf has written it.
Below are those of {release} for {shown}; other targets differ in a comment alone.
From a store, outputs for onnxruntime and python have the sizes of the graph instead, -1 where it leaves them free.
Syntax and names are what this shows; that a server takes them is what `nox -s triton` shows.
"""
_COLUMNS = "| file | fields that are set | largest batch | inputs | outputs | preferred | executed by | kind |\n"


def main() -> None:
    """Write `triton_configs.md` into the folder of reports."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.triton_configs", description=__doc__)
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="folder to write to (default: reports)")
    report = parser.parse_args().reports / "triton_configs.md"
    report.write_text(_page(), encoding="utf-8")
    print(report)


def _page() -> str:
    bundles = product(RELEASES, BACKENDS, PACKS)
    count = sum(len(list(_read(release, backend, pack))) for release, backend, pack in bundles)
    head = _HEAD.format(
        count=count,
        releases=len(RELEASES),
        backends=len(BACKENDS),
        packs=len(PACKS),
        version=metadata.version("tritonclient"),
        release=_SHOWN_RELEASE,
        shown=" and ".join(_SHOWN_PACKS),
    )
    return "\n".join([head, *(_table(backend, pack) for pack in _SHOWN_PACKS for backend in BACKENDS)])


def _read(release: str, backend: Backend, pack: str) -> Iterator[tuple[str, Any]]:
    """Every configuration of a bundle by its path; raises what the protobuf raises for one that it does not know."""
    for path, text in repository_files(pack_plan(release, backend, pack)).items():
        if path.endswith(".pbtxt"):
            config = read_config(text)
            if read_config(text_format.MessageToString(config)) != config:
                raise ValueError(f"{path} is another one after it was written again")
            yield path, config


def _table(backend: Backend, pack: str) -> str:
    rows = "".join(_row(path, config) for path, config in _read(_SHOWN_RELEASE, backend, pack))
    return f"## {pack}, {backend}\n\n{_COLUMNS}|---|---|---:|---|---|---|---|---|\n{rows}"


def _row(path: str, config: Any) -> str:
    preferred = ", ".join(map(str, config.dynamic_batching.preferred_batch_size)) or "-"
    group = config.instance_group[0]
    cells = (
        f"`{PurePosixPath(path).relative_to('model_repository')}`",
        ", ".join(field.name for field, _ in config.ListFields()),
        str(config.max_batch_size),
        "<br>".join(map(_tensor, config.input)),
        "<br>".join(map(_tensor, config.output)),
        preferred,
        config.platform or config.backend,
        f"{group.count} x {group.Kind.Name(group.kind)}",
    )
    return f"| {' | '.join(cells)} |\n"


def _tensor(tensor: Any) -> str:
    return f"{tensor.name} {type_name(tensor.data_type)[5:]} {list(tensor.dims)}"


if __name__ == "__main__":
    main()
