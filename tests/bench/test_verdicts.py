from __future__ import annotations

import re
from dataclasses import replace

import pytest

from batchproof.bench.verdicts import pipeline_verdicts, sweep_verdicts
from batchproof.verdict import Status, Verdict
from tests.bench.files import ON_GPU, PIPELINE, SWEEP, compared


def by_check(verdicts: list[Verdict]) -> dict[str, Verdict]:
    found = {verdict.check: verdict for verdict in verdicts}
    assert len(found) == len(verdicts)
    return found


def test_a_sweep_states_the_figures_of_its_best_batch() -> None:
    found = by_check(list(sweep_verdicts(SWEEP)))
    assert {check: verdict.figure for check, verdict in found.items()} == {
        "bench.ort.throughput": 80.0,
        "bench.ort.gain": 1.6,
        "bench.ort.transfer": 1.25,
        "bench.ort.roof": 1.0,
        "bench.ort.batches": None,
    }
    assert found["bench.ort.batches"].status is Status.NOT_RUN
    assert "64 (it was built for 1,16,32@640x640)" in found["bench.ort.batches"].reason
    assert "where compute limits" in found["bench.ort.roof"].reason
    assert "there is no bus" in found["bench.ort.transfer"].reason
    assert {verdict.subject for verdict in found.values()} == {"det.fp16"}


def test_what_runs_elsewhere_has_no_roof_and_a_bus() -> None:
    found = by_check(list(sweep_verdicts(ON_GPU)))
    assert found["bench.ort-cuda.roof"].status is Status.NOT_RUN
    assert "there is no bus" not in found["bench.ort-cuda.transfer"].reason
    assert "bench.ort-cuda.batches" not in found


def test_work_that_cannot_be_counted_names_the_tensors() -> None:
    blind = replace(ON_GPU, on_cpu=True, work=replace(SWEEP.work, unknown=("x",)))
    (verdict,) = (one for one in sweep_verdicts(blind) if one.check.endswith(".roof"))
    assert (verdict.status, verdict.reason) == (
        Status.NOT_RUN,
        "shapes are not known, so work cannot be counted: x",
    )


def test_without_batch_1_the_gain_is_not_run() -> None:
    alone = replace(SWEEP, batches=tuple(replace(one, gain=None) for one in SWEEP.batches[1:]))
    (verdict,) = (one for one in sweep_verdicts(alone) if one.check.endswith(".gain"))
    assert verdict.status is Status.NOT_RUN


def test_a_pipeline_states_how_much_longer_insightface_takes() -> None:
    found = by_check(list(pipeline_verdicts(PIPELINE, 0.99999)))
    assert {check: verdict.figure for check, verdict in found.items()} == {
        "bench.pipeline.agrees": 0.999999,
        "bench.pipeline.ratio.best": 2.0,
        "bench.pipeline.ratio.median": 4.0,
        "bench.pipeline.ratio.not_spinning": 1.5,
    }
    assert all(found.values())
    assert {verdict.subject for verdict in found.values()} == {"det+emb"}


OTHER_FACES = replace(
    PIPELINE, compared=(replace(compared("a.jpg", 2, None), expected_faces=3), *PIPELINE.compared[1:])
)
OTHER_EMBEDDINGS = replace(PIPELINE, compared=(compared("a.jpg", 2, 0.9), *PIPELINE.compared[1:]))


@pytest.mark.parametrize(
    ("measured", "told"),
    [(OTHER_FACES, r"a.jpg \(2, insightface 3\)"), (OTHER_EMBEDDINGS, "smallest cosine")],
    ids=["faces", "embeddings"],
)
def test_a_faster_answer_that_differs_is_none(measured: object, told: str) -> None:
    agrees, *ratios = pipeline_verdicts(measured, 0.99999)  # type: ignore[arg-type]
    assert agrees.status is Status.FAIL
    assert re.search(told, agrees.reason)
    assert {verdict.status for verdict in ratios} == {Status.FAIL}
    assert all("the answers differ" in verdict.reason for verdict in ratios)


def test_pictures_without_faces_leave_the_agreement_open_and_the_ratios_stand() -> None:
    empty = replace(PIPELINE, compared=PIPELINE.compared[1:2])
    agrees, *ratios = pipeline_verdicts(empty, 0.99999)
    assert agrees.status is Status.NOT_RUN
    assert all(ratios)
