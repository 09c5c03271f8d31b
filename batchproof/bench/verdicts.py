"""Measurements as verdicts, so that the manifest carries them and the gate can compare them with a baseline.

Only ratios within one run carry over to another one: milliseconds on a shared machine are noise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from batchproof.bench.figures import BatchFigures
from batchproof.bench.pipeline_file import CHECK, Compared, PipelineFile
from batchproof.bench.sweep_file import SweepFile
from batchproof.errors import first_few
from batchproof.verdict import Status, Verdict, at_least, not_run


def sweep_verdicts(measured: SweepFile) -> Iterator[Verdict]:
    """State the figures of one engine, `bench.<backend>...`; none has a threshold.

    `throughput` (images a second at the best batch), `gain` (over batch 1), `transfer` (how many times as long the best
    batch takes with host transfer), `roof` (share of what the machine allows, without transfer) and, `not_run`,
    `batches` that were left out.
    """
    check, subject, best = f"bench.{measured.backend}", measured.subject, measured.best
    where = f"batch {best.batch}, {best.with_transfer.repetitions} repetitions on {measured.runner}"
    yield _figure(f"{check}.throughput", subject, best.images_per_second, f"at its best, {where}", "images/s")
    yield _gain(check, subject, best)
    ratio = best.with_transfer.p50_ms / best.without_transfer.p50_ms
    yield _figure(f"{check}.transfer", subject, ratio, _on_transfer(measured), "times as long")
    yield _roof(check, measured)
    if measured.left_out:
        named = first_few([f"{one.batch} ({one.reason})" for one in measured.left_out])
        yield not_run(f"{check}.batches", subject, f"not measured: {named}")


def _gain(check: str, subject: str, best: BatchFigures) -> Verdict:
    if best.gain is None:
        return not_run(f"{check}.gain", subject, "batch 1 was not measured, which the others are compared with")
    reason = f"throughput of batch {best.batch} over that of batch 1"
    return _figure(f"{check}.gain", subject, best.gain, reason, "times")


def _on_transfer(measured: SweepFile) -> str:
    if measured.on_cpu:
        return "on the CPU there is no bus: what ONNX Runtime takes to allocate the outputs and hand them over"
    return "arrays of the host in and out, against arrays that lie on the device"


def _roof(check: str, measured: SweepFile) -> Verdict:
    name, point = f"{check}.roof", measured.best.roof
    if point is None:
        return not_run(name, measured.subject, _no_roof(measured))
    reason = (
        f"share of the roof at {point.flop_per_byte:.3g} FLOP/byte: {point.gflops:.3g} of "
        f"{point.attainable_gflops:.3g} GFLOP/s, where {point.limited_by} limits"
    )
    return _figure(name, measured.subject, point.share, reason, "share of the roof")


def _no_roof(measured: SweepFile) -> str:
    if measured.work.unknown:
        return f"shapes are not known, so work cannot be counted: {first_few(measured.work.unknown)}"
    if not measured.on_cpu:
        return "the roof was measured of the processor alone, and this runs elsewhere"
    return "the graph has no product that is counted, or the roof of this machine could not be measured"


def pipeline_verdicts(measured: PipelineFile, min_cosine: float) -> Iterator[Verdict]:
    """State how much longer insightface takes, `bench.pipeline.ratio...`, and judge that both give the same answers.

    `agrees` fails when a picture has another number of faces or a cosine is below `min_cosine`; so do the ratios then,
    for a faster answer that differs is none.
    """
    subject, everything = f"{measured.detector}+{measured.embedder}", measured.everything
    agrees = _agrees(measured, min_cosine, subject)
    yield agrees
    ratios = {
        "best": (everything.ratio_of_best, "the shortest times"),
        "median": (everything.ratio_of_medians, "the medians"),
        "not_spinning": (everything.ratio_not_spinning, "the shortest times, insightface's threads not spinning"),
    }
    for name, (ratio, what) in ratios.items():
        reason = f"insightface over ours, all pictures in one call, {everything.repetitions} repetitions: {what}"
        verdict = _figure(f"{CHECK}.ratio.{name}", subject, ratio, reason, "times as long")
        if agrees.status is Status.FAIL:
            verdict = replace(verdict, status=Status.FAIL, reason="the answers differ, so this ratio is none")
        yield verdict


def _agrees(measured: PipelineFile, min_cosine: float, subject: str) -> Verdict:
    check = f"{CHECK}.agrees"
    differing = [_counted(one) for one in measured.compared if one.faces != one.expected_faces]
    if differing:
        return Verdict(check, subject, Status.FAIL, f"not the same number of faces: {first_few(differing)}")
    cosines = [(one.cosine, one.name) for one in measured.compared if one.cosine is not None]
    if not cosines:
        return not_run(check, subject, "no picture has a face that insightface finds: the embedder had nothing to do")
    smallest, name = min(cosines)
    reason = f"smallest cosine to insightface's embeddings, {measured.everything.faces} faces, as many as insightface's"
    return at_least(check, subject, smallest, min_cosine, reason, witness=name)


def _counted(one: Compared) -> str:
    return f"{one.name} ({one.faces}, insightface {one.expected_faces})"


def _figure(check: str, subject: str, figure: float, reason: str, unit: str) -> Verdict:
    return Verdict(check, subject, Status.PASS, reason, round(figure, 4), unit=unit)
