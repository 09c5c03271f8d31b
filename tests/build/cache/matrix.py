"""A matrix of real engines, for tests that kill its process: `python -m tests.build.cache.matrix STORE CACHE`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.artifacts.store import open_store
from batchproof.build.cache.engine_cache import EngineCache
from batchproof.build.cache.engine_key import engine_key
from batchproof.build.provenance import provenance
from batchproof.build.tensorrt import engine as tensorrt_engine
from batchproof.engine_options import EngineOptions
from batchproof.profile import EngineProfiles
from batchproof.zoo.spec import Precision
from tests.build import tiny_graphs
from tests.build.tiny_graphs import SPEC
from tests.listening import Remembering

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16")
PROFILES = ("1,4,8@64x96", "1@64x96+1,4,8@64x96", "1,2@64x64+1,8@64x96")
JOBS = 2


def steps(graphs: Path, cache: EngineCache) -> list[Step]:
    """One engine for each precision and choice of profiles."""
    graphs.mkdir(exist_ok=True)
    return [
        cell(tiny_graphs.detector(graphs / f"tiny.{precision}.onnx", dtype=precision), precision, text, cache)
        for precision in PRECISIONS
        for text in PROFILES
    ]


def cell(graph: Path, precision: Precision, text: str, cache: EngineCache) -> Step:
    """Declare one engine; whether it was built or fetched is printed."""
    profiles, options, built_by = EngineProfiles.parse(text), EngineOptions(), provenance("rtx")
    subject = f"{graph.stem}.{profiles.tag(SPEC)}"

    def action(files: Workspace) -> Outcome:
        engine, sidecar = files.outputs

        def build() -> None:
            built = tensorrt_engine.build(
                graph,
                engine,
                backend="rtx",
                precision=precision,
                profiles=profiles,
                spec=SPEC,
                subject=subject,
                tolerance=1e-3,
                options=options,
                timing_cache=None,
            )
            assert built.summary is not None
            sidecar.write_text(json.dumps(built.summary.sidecar))

        shapes = [profile.input_shapes(SPEC) for profile in profiles]
        key = engine_key(graph, precision=precision, shapes=shapes, options=options, provenance=built_by)
        print("fetched" if cache.fetch_or_build(key, engine, sidecar, build) else "built", subject)
        return Outcome(notes={"half_share": json.loads(sidecar.read_text())["half_share"]})

    settings = {"profiles": profiles.text, "options": asdict(options), "provenance": built_by.facts}
    produces = f"build/rtx/{subject}.engine", f"build/rtx/{subject}.engine.json"
    return Step("build", "build.rtx", subject, action, produces=produces, sources=(graph,), settings=settings)


def main(root: Path, cache: Path) -> int:
    """Build the matrix in the store `root`; the exit code is how many engines failed."""
    with open_store(root, "matrix", Remembering()) as store:
        store.run_all(steps(root.with_name(f"{root.name}.graphs"), EngineCache(cache)), JOBS)
        failed = [verdict for verdict in store.manifest.verdicts if verdict.status.is_failure]
    print(*(verdict.reason for verdict in failed), sep="\n", file=sys.stderr)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
