from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batchproof.artifacts.step import Step, Workspace
from batchproof.pipeline.opencv import cv2
from batchproof.policy import load_policy
from batchproof.profile import EngineProfiles
from batchproof.profile_choice import ProfileChoice
from batchproof.settings import PRECISIONS, Settings
from batchproof.validate.chain.chain_file import read
from batchproof.validate.chain.steps import plan_chains
from batchproof.verdict import Status
from batchproof.zoo.families import adaface, scrfd
from batchproof.zoo.pack import OnnxSource, PackModel
from batchproof.zoo.spec import ModelSpec
from tests.pipeline import tiny_scrfd
from tests.validate import tiny_embedder
from tests.validate.chain.tiny_chain import TinyChain

SETTINGS = Settings(ProfileChoice((EngineProfiles.parse("1,3@64x96"),)), None, load_policy())


def model(name: str, spec: ModelSpec) -> PackModel:
    return PackModel(name, spec, OnnxSource(Path(f"{name}.onnx")), "", "")


def planned(*models: PackModel, settings: Settings = SETTINGS, pictures: tuple[Path, ...] = ()) -> list[Step]:
    return list(plan_chains(models, settings, pictures, ("numpy",)))


def test_every_model_is_in_a_chain_and_no_pair_twice() -> None:
    names = ("rec", "det", "det2", "rec2")
    specs = (tiny_embedder.SPEC, tiny_scrfd.SPEC, tiny_scrfd.SPEC, tiny_embedder.SPEC)
    steps = planned(*map(model, names, specs))
    single = {step.subject: step.settings["pair"] for step in steps if step.subject.endswith(".fp32")}
    assert single == {"det.fp32": ["det", "rec"], "det2.fp32": ["det2", "rec"], "rec2.fp32": ["det", "rec2"]}
    assert len(steps) == 2 * len(single)
    assert steps[1].parents == (
        "export/det.onnx", "export/rec.onnx", "build/ort/det.fp16.ort", "build/ort/rec.fp16.ort",
    )  # fmt: skip


@pytest.mark.parametrize(
    "models",
    [
        (model("det", tiny_scrfd.SPEC),),
        (model("rec", tiny_embedder.SPEC),),
        (model("det", scrfd(keypoints=False)), model("rec", tiny_embedder.SPEC)),
        (model("det", tiny_scrfd.SPEC), model("rec", adaface())),
    ],
    ids=["no embedder", "no detector", "no landmarks", "nothing that insightface runs"],
)
def test_without_a_way_to_embeddings_there_is_no_chain(models: tuple[PackModel, ...]) -> None:
    assert not planned(*models)


def test_the_key_of_a_step_follows_its_limits() -> None:
    models = model("det", tiny_scrfd.SPEC), model("rec", tiny_embedder.SPEC)
    stricter = replace(SETTINGS.policy, arithmetic=replace(SETTINGS.policy.arithmetic, unit=0.0))
    (before, *_), (after, *_) = planned(*models), planned(*models, settings=replace(SETTINGS, policy=stricter))
    assert before.settings != after.settings


def test_each_precision_is_judged_by_its_own_limits(chain: TinyChain, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), tiny_scrfd.picture(60, 96, 0))
    models = model("det", tiny_scrfd.SPEC), model("rec", tiny_embedder.SPEC)
    for step, precision in zip(planned(*models, pictures=(tmp_path / "a.png",)), PRECISIONS, strict=True):
        outcome = step.action(Workspace((*chain.files, *chain.files), step.sources, (tmp_path / "chain.json",)))
        found = {verdict.check: verdict.threshold for verdict in outcome.verdicts}
        assert step.subject == f"det.{precision}"
        assert found["parity.chain.score_8"] == SETTINGS.policy.limits(precision).detector.raw_score
        assert found["parity.chain.cosine.end_to_end"] == SETTINGS.policy.limits(precision).chain.cosine


def test_a_step_judges_the_chain_and_writes_what_it_saw(chain: TinyChain, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), tiny_scrfd.picture(60, 96, 0))
    models = model("det", tiny_scrfd.SPEC), model("rec", tiny_embedder.SPEC)
    (step, _) = planned(*models, pictures=(tmp_path / "a.png",))
    output = tmp_path / "det.fp32.chain.json"
    outcome = step.action(Workspace((*chain.files, *chain.files), step.sources, (output,)))
    assert {verdict.status for verdict in outcome.verdicts} == {Status.PASS}
    assert all(verdict.check.startswith(step.check) for verdict in outcome.verdicts)
    found = read(output)
    assert (found.subject, found.detector, found.embedder) == ("det.fp32", "det", "rec")
    assert [picture.name for picture in found.seen.pictures] == ["a.png"]
    assert len(found.seen.pictures[0].batched) == len(found.seen.pictures[0].original) > 0
