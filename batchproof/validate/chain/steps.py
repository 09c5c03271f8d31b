"""The chain as steps of the validate stage: one for each pair of models, in each precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from batchproof.artifacts import json_file, layout
from batchproof.artifacts.step import Outcome, Step, Workspace
from batchproof.settings import PRECISIONS, Settings
from batchproof.validate.chain.chain_file import CHECK, ChainFile, store_path
from batchproof.zoo.pack import PackModel
from batchproof.zoo.pairing import pairs
from batchproof.zoo.spec import Precision


@dataclass(frozen=True)
class _Pair:
    """A detector and an embedder; the chain is recorded under `owner`, the one of them that it is about."""

    detector: PackModel
    embedder: PackModel
    owner: PackModel


def plan_chains(
    models: Sequence[PackModel], settings: Settings, pictures: tuple[Path, ...], tools: tuple[str, ...]
) -> Iterator[Step]:
    """One step for each pair in each precision; none for a pack that insightface could not take to embeddings."""
    for pair in _pairs(models):
        yield from (_step(pair, precision, settings, pictures, tools) for precision in PRECISIONS)


def _pairs(models: Sequence[PackModel]) -> list[_Pair]:
    """A chain is about its detector, but for those of further embedders."""
    named = {model.name: model for model in models}
    found = pairs({name: model.spec for name, model in named.items()})
    return [
        _Pair(named[detector], named[embedder], named[detector if embedder == found[0][1] else embedder])
        for detector, embedder in found
    ]


def _step(
    pair: _Pair, precision: Precision, settings: Settings, pictures: tuple[Path, ...], tools: tuple[str, ...]
) -> Step:
    names = [model.name for model in (pair.detector, pair.embedder)]
    return Step(
        "validate",
        CHECK,
        f"{pair.owner.name}.{precision}",
        partial(_action, pair, precision, settings),
        parents=(*map(layout.exported, names), *(layout.session(name, precision) for name in names)),
        produces=(store_path(pair.owner.name, precision),),
        sources=pictures,
        settings={
            "pair": names,
            "limits": asdict(settings.policy.limits(precision)),
            "arithmetic": asdict(settings.policy.arithmetic),
            "profiles": [asdict(settings.profiles.overall(name)) for name in names],
        },
        tools=tools,
    )


def _action(pair: _Pair, precision: Precision, settings: Settings, workspace: Workspace) -> Outcome:
    from batchproof.pipeline.decode import DetectionSettings
    from batchproof.pipeline.pictures import read_picture
    from batchproof.runtime import OnnxRuntimeRunner
    from batchproof.validate.chain.judge import judge_chain
    from batchproof.validate.chain.limits import limits_of
    from batchproof.validate.chain.stages import Model, Stages
    from batchproof.validate.chain.trace import Scene

    detector, embedder, *sessions = workspace.parents
    sizes, batches = (settings.profiles.overall(model.name) for model in (pair.detector, pair.embedder))
    ours = Stages(
        Model(OnnxRuntimeRunner(sessions[0]), pair.detector.spec, sizes.optimum),
        Model(OnnxRuntimeRunner(sessions[1]), pair.embedder.spec, batches.optimum),
    )
    pictures = [read_picture(path) for path in workspace.sources]
    scene = Scene(pictures, DetectionSettings(height=sizes.height, width=sizes.width))
    subject = f"{pair.owner.name}.{precision}"
    report = judge_chain(detector, embedder, ours, scene, limits_of(settings.policy, precision), subject)
    seen = ChainFile(subject, pair.detector.name, pair.embedder.name, report.seen)
    workspace.outputs[0].write_bytes(json_file.write(seen))
    return Outcome(report.verdicts)
