"""The README of a bundle: three commands, what is in it, how it is batched and why, and what was never run."""

from __future__ import annotations

import json
from collections.abc import Iterator

from batchproof.deploy.bundle_kind import MANIFEST
from batchproof.deploy.triton import paths
from batchproof.deploy.triton.memory import shared_memory
from batchproof.deploy.triton.network import Network
from batchproof.deploy.triton.plan import Backend, RepositoryPlan
from batchproof.deploy.triton.serving.contract import FRAME, IMAGE, MODEL, ServedTensor

_PAGE = """\
# {pack} for {product}

InsightFace detection, alignment and embedding as one model of {product}, emitted by Batchproof from
{origin}

    sh run.sh build     # {building}
    sh run.sh serve     # the server, on ports 8000 to 8002 of this machine alone
    sh run.sh check     # whether it answers

Where tritonserver is not installed, they run in a container, `{container}`.
That needs docker{toolkit}.
Then, from anywhere with Batchproof:

    batchproof deploy client http://127.0.0.1:8000 PICTURES

## What it takes and gives

`{faces}` takes n frames of one size as `{frame}`, UINT8 `[n, height, width, 3]`, BGR, or n files as `{image}`, BYTES
`[n, 1]`. Every output has n rows; F is the largest number of faces among them, `num_faces` says how many count.

| output | type | shape |
|---|---|---|
{outputs}

## Models

| model | role | executed by | input | at most | preferred | waits for others |
|---|---|---|---|---|---|---|
{models}

Where these figures are from:

{origins}
{unmeasured}
## What is in it

| file | what it is |
|---|---|
{files}

Licences, hashes, tensors and where each figure comes from: `{manifest}`.

{licences}
## To know

- **Settings**: `parameters` in `{repository}/{faces}/config.pbtxt`: threshold, overlap, most faces, largest frame.
  They are read when the server starts. Change `height` and `width` only where the detector takes that size.
- **At most {frames} frames** in a batch and {instances} batches at once (`--frames`, `--instances`). Frames of
  different requests go through the networks together; an error of one is its own.
- **Shared memory**: `shm_size` is {mib} MiB: {memory}.
  Smaller `max_megapixels` or `--frames` need less.
- **A model's process that is killed is not started again** by Triton, which goes on to say that it is ready. So the
  health check asks for a frame; what starts an unhealthy container anew is yours to choose, for docker does not.
- **Only this machine** reaches the ports, for the server asks nobody who he is: `BIND`, `HTTP_PORT`, `GRPC_PORT` and
  `METRICS_PORT` change that. Put something in front of it that does.
{notes}
## Never run

{never}
"""
_ENGINES = """\
- **Engines** are for one kind of GPU and one TensorRT{tensorrt}. `sh run.sh build` makes them where they run, in
  `{engines}/`, and puts copies into `{repository}/`; what is up to date is not built again.
- **Without a GPU** the server takes `configs/{rehearsal}.pbtxt` with `--model-config-name={rehearsal}`, when something
  stands in for the engines.
"""
_UNMEASURED = """
What was not measured is from the profile alone: run `batchproof bench` on the store, and deploy again.
"""
_NEVER = """\
Batchproof's tests read such configurations by Triton's own protobuf, and serve them by tritonserver 2.51, without a
GPU{standing_in}. Not run, for {product}: {never}."""
_EXECUTED: dict[Backend, str] = {
    "tensorrt": "TensorRT",
    "onnxruntime": "ONNX Runtime, CPU",
    "python": "ONNX Runtime in Python, CPU",
}
_FROM_SPECS = """\
the known shapes of its models.
Their files were not read: graphs, `engines/` and the sources of `faces` are not in this folder;
`batchproof deploy triton` puts them into yours."""


def readme(plan: RepositoryPlan) -> str:
    """Write the page, in Markdown."""
    target, memory = plan.target, shared_memory(plan)
    return _PAGE.format(
        pack=plan.pack,
        product=target.product,
        origin="a store." if plan.files else _FROM_SPECS,
        building="engines of the graphs (minutes), then the image" if plan.on_gpu else "the image",
        container=target.container,
        toolkit=" and NVIDIA's container toolkit" if plan.on_gpu else "",
        faces=MODEL,
        frame=FRAME.name,
        image=IMAGE.name,
        outputs="\n".join(map(_output, plan.outputs)),
        models="\n".join(_row(plan.backend, network) for network in plan.networks),
        origins="\n".join(map(_origin, plan.networks)),
        unmeasured=_UNMEASURED if any(not one.batching.measured for one in plan.networks) else "",
        files="\n".join(f"| {name} | {what} |" for name, what in _files(plan)),
        manifest=MANIFEST,
        licences="".join(_licences(plan)),
        repository=paths.REPOSITORY,
        frames=plan.frames,
        instances=plan.instances,
        mib=memory.mib,
        memory=memory.origin,
        notes=_notes(plan),
        never=_NEVER.format(
            product=target.product,
            standing_in=""
            if plan.backend == "python"
            else ", where something stands in for what executes the networks",
            never=", ".join(plan.never_run),
        ),
    )


def _output(tensor: ServedTensor) -> str:
    sizes = ", ".join("F" if size < 0 else str(size) for size in tensor.dims)
    return f"| `{tensor.name}` | {tensor.data_type} | `[n, {sizes}]` |"


def _row(backend: Backend, network: Network) -> str:
    model, image, (height, width) = network.model, network.model.spec.input, network.model.size
    preferred = ", ".join(map(str, network.batching.preferred)) or "not joined"
    cells = (
        f"`{model.stem}`",
        model.spec.role,
        _EXECUTED[backend],
        f"{image.channels}x{height}x{width} {image.colour}",
        str(model.largest_batch),
        preferred,
        f"{network.batching.delay_us} µs",
    )
    return f"| {' | '.join(cells)} |"


def _origin(network: Network) -> str:
    batching = network.batching
    return f"- `{network.model.stem}`: {batching.origin}. Waiting: {batching.delay_origin}."


def _files(plan: RepositoryPlan) -> Iterator[tuple[str, str]]:
    yield f"`{paths.REPOSITORY}/{MODEL}/`", "the whole pipeline, with what it needs of batchproof"
    yield f"`{paths.REPOSITORY}/*/config.pbtxt`", "how each model is served"
    if plan.on_gpu:
        yield f"`{paths.ENGINES}/`", "graphs, what is known of their inputs and outputs, and `build_engines.sh`"
    else:
        yield f"`{paths.REPOSITORY}/*/{paths.VERSION}/{paths.GRAPH}`", "the networks"
    yield "`run.sh`, `docker-compose.yml`", "how it is built, served and looked at"
    yield "`Dockerfile`, `requirements.txt`", "the pinned image, and what `faces` needs in it"
    yield f"`{MANIFEST}`", "target, versions, models, constants, and the sha256 of every file"


def _licences(plan: RepositoryPlan) -> Iterator[str]:
    """Name them as the manifest does; they came from a file, and are shown as code."""
    for network in plan.networks:
        yield f"    {network.model.name}: {json.dumps(network.model.licence)}\n"


def _notes(plan: RepositoryPlan) -> str:
    tensorrt = f" ({plan.target.tensorrt})" if plan.target.tensorrt else ""
    facts = {"tensorrt": tensorrt, "engines": paths.ENGINES, "repository": paths.REPOSITORY}
    return _ENGINES.format(**facts, rehearsal=paths.REHEARSAL) if plan.on_gpu else ""
