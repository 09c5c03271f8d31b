"""The rehearsal itself: start, ask, compare, stop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batchproof.deploy.triton.client.served_faces import ServedFaces
from batchproof.deploy.triton.rehearsal.comparison import Compared, as_served, compared, judged
from batchproof.deploy.triton.rehearsal.crowd import crowd
from batchproof.deploy.triton.rehearsal.questions import Answers, ask, served_config
from batchproof.deploy.triton.rehearsal.served_bundle import ServedBundle
from batchproof.deploy.triton.server.server import RunningServer, running_server
from batchproof.deploy.triton.serving.contract import MODEL
from batchproof.errors import first_few
from batchproof.pipeline.pictures import Picture
from batchproof.policy import Policy, PrecisionLimits
from batchproof.verdict import Status, Verdict, not_run


def rehearse(bundle: ServedBundle, pictures: Sequence[Picture], clients: int, policy: Policy) -> list[Verdict]:
    """Serve the bundle on this machine and judge what `clients`, 2 or more, get from it.

    Every picture, and parts of them for the rest of the clients, is asked for alone and then by all clients at once.
    Alone its faces must be those of the pipeline in this process, and in the crowd those that it had alone. Raises what
    `running_server` raises, and `StepFailedError` for a picture without an answer.
    """
    asked = [*pictures[:clients], *crowd(pictures, max(0, clients - len(pictures)))]
    with running_server(bundle.repository, bundle.options) as server:
        config, answers = served_config(server.endpoints), ask(server.endpoints, asked)
        pipeline = bundle.reference(config)
    names = [network.name for network in bundle.pipeline.landmarkers]
    expected = [as_served(pipeline.run([picture.pixels])[0], names) for picture in asked]
    limits = policy.fp16 if bundle.precision == "fp16" else policy.fp32
    decided = pipeline.detector.settings.threshold + limits.detector.score_shift
    return [
        _files(bundle),
        _started(bundle, server),
        *_judged("rehearsal.parity", bundle, asked, expected, answers.alone, limits, decided),
        *_judged("rehearsal.isolation", bundle, asked, answers.alone, answers.together, limits, decided),
        *_batches(bundle, answers),
        _refusals(bundle, answers),
        *_not_executed(bundle),
    ]


_AGAINST = {
    "rehearsal.parity": "by the same pipeline in this process",
    "rehearsal.isolation": "in a crowd, against the same picture alone",
}


def _judged(
    check: str,
    bundle: ServedBundle,
    pictures: Sequence[Picture],
    theirs: Sequence[ServedFaces],
    ours: Sequence[ServedFaces],
    limits: PrecisionLimits,
    decided: float,
) -> Iterator[Verdict]:
    found: list[Compared] = [
        compared(picture.name, one, other, decided) for picture, one, other in zip(pictures, theirs, ours, strict=True)
    ]
    return judged(found, check, bundle.root.name, limits, _AGAINST[check])


def _files(bundle: ServedBundle) -> Verdict:
    """A bundle that was changed is another one; configurations are what operators change."""
    changed = bundle.changed_files()
    configured = [name for name in changed if name.endswith(".pbtxt")]
    others = [name for name in changed if name not in configured]
    status, reason = Status.PASS, "the files are those that were written"
    if others:
        status, reason = Status.FAIL, f"missing or changed since they were written: {first_few(others)}"
    elif configured:
        reason += f", but for configurations, changed or missing: {first_few(configured)}"
    return Verdict("rehearsal.files", bundle.root.name, status, reason)


def _started(bundle: ServedBundle, server: RunningServer) -> Verdict:
    models = ", ".join([MODEL, *(network.model for network in bundle.networks)])
    reason = f"tritonserver on this machine had all models ready: {models}"
    return Verdict("rehearsal.ready", bundle.root.name, Status.PASS, reason, figure=server.ready_seconds, unit="s")


def _batches(bundle: ServedBundle, answers: Answers) -> Iterator[Verdict]:
    """Runs are saved by what is shared; without that nothing was shown about batches.

    A picture of many faces makes batches of its own, so the size of batches would show nothing.
    """
    alone = {cost.model: cost.runs for cost in answers.costs_alone}
    single = {network.model for network in bundle.networks if network.batch == 1}
    for cost in answers.costs:
        if cost.model in single:
            reason = f"{cost.model}: its images go one by one, for batches of it have not paid where they were measured"
            yield not_run("rehearsal.batches", bundle.root.name, reason)
            continue
        status = Status.PASS if cost.runs < alone.get(cost.model, 0) else Status.UNKNOWN
        sizes = ", ".join(f"{count} with {size}" for size, count in cost.batches.items())
        counted = f"{cost.images} images of {cost.requests} requests in {cost.runs} runs, {sizes}"
        reason = f"{cost.model}: {counted}; {alone.get(cost.model, 0)} runs when each picture was asked for alone"
        yield Verdict(
            "rehearsal.batches", bundle.root.name, status, reason, figure=cost.mean_batch, unit="images a run"
        )


def _refusals(bundle: ServedBundle, answers: Answers) -> Verdict:
    if answers.answered:
        reason = f"answered as if it were a picture: {', '.join(answers.answered)}"
        return Verdict("rehearsal.refusals", bundle.root.name, Status.FAIL, reason)
    reason = "what is no picture was refused, and the next questions were answered"
    return Verdict("rehearsal.refusals", bundle.root.name, Status.PASS, reason)


def _not_executed(bundle: ServedBundle) -> Iterator[Verdict]:
    if bundle.has_stand_ins:
        what = "no engine" if bundle.backend == "tensorrt" else "not Triton's own ONNX Runtime"
        reason = f"{what} was executed: a stand-in for backend {bundle.backend} ran the ONNX files on the CPU"
        yield not_run("rehearsal.backend", bundle.root.name, reason)
