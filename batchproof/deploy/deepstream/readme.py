"""The README of a bundle: three commands, what is in it, what to know, and what was never run."""

from __future__ import annotations

import json
from collections.abc import Iterator

from batchproof.deploy.bundle_kind import MANIFEST
from batchproof.deploy.deepstream import paths
from batchproof.deploy.deepstream.plan import BundlePlan
from batchproof.deploy.deepstream.preprocess import SMALLEST_FACE
from batchproof.deploy.deployed_model import DeployedModel

_LARGER_BOXES_SINCE = (9, 0)
_PAGE = """\
# {pack} for {product}

InsightFace detection, alignment and embedding on unmodified {product}, emitted by Batchproof from
{origin}

    sh run.sh build     # the two libraries (g++, nvcc) and the engines (trtexec)
    sh run.sh check     # calls the libraries as nvinfer and nvdspreprocess do
    sh run.sh           # deepstream-app -c {app}

Where DeepStream is not installed, each of them runs in a container, `{container}`.
With neither, `make NVDS_VERSION={version} check` tests the libraries as far as g++ and nvcc are there.
A first build takes minutes. The run prints frames per second, and shows no pictures until a sink in
`{app}` is enabled; your cameras are its `uri` lines. What it finds it tells nobody: the applications do, one line of
JSON a face, with embeddings, names from a gallery, and enrolment (`app/README.md`).

## What is in it

| file | what it is |
|---|---|
{files}

## Models

| model | role | input | engine, at most | value = (pixel - mean) / std |
|---|---|---|---|---|
{models}

Licences, hashes, tensors and where each constant comes from: `{manifest}`.

{licences}
## To know

- **Landmarks** travel as the instance mask of a face: five points, in pixels of the network's input, laid out as in
  `include/batchproof/landmark_mask.h`. A tracker of masks (MaskTracker) would overwrite them.
- **Alignment** reads the whole frame, not the box. It drops faces without landmarks: those that only the tracker sees.
- **Embeddings** are not of length 1: normalise them. On DeepStream 8.0 and later the tensor hangs on the ROI in the
  batch's `NVDS_PREPROCESS_BATCH_META`, on 6.2 also on the object: look for it in both places, by `unique_id`.
- **At most {faces} faces a frame**: `MAX_FACES` of the parser, `maxTargetsPerStream` of the tracker and the pools in
  `configs/preprocess_*` belong together. A pool that is too small for the crops of one batch stands still for ever.
- **At most {streams} streams**: `batch-size` of `[streammux]`, `[primary-gie]` and the detector's file are the same.
  The engine takes {largest}; more streams need a bundle of their own (`--streams`).
- **Faces below {smallest} pixels** get no crop: a crop that is rounded to nothing ends the pipeline with an error.
{parallel}- **Unknown keys** are only warned of, so a misspelt one changes nothing: `batchproof deploy lint` finds it.
- **Engines** are for one kind of GPU and one TensorRT{tensorrt}. When one does not load, nvinfer says
  "Trying to create engine from model files" and builds one of its own batch-size, the detector's at every start: run
  `sh run.sh build` on that machine instead.
- **The libraries** are built where they run, for the release that is there: {boxes}
- **nvstreammux** scales every frame to its own width and height first: give it the size of your cameras.
- **Triton** (`triton/`): nvinferserver hands boxes on, but no masks. Behind its detector, take the `preprocess_*` of
  `triton/`: there the aligner decodes the landmarks anew from the detector's raw outputs (`source=tensor`).

## Of {product}

{notes}
## Never run

This bundle was written on a machine without DeepStream. Its keys and the order of its elements were read in the sources
of DeepStream 9.1, some also in copies of 8.0 and 6.2, none in those between. The graphs of a store ran on ONNX Runtime.
Not run: the pipeline, the container, the tracker's settings, nvinferserver, the applications in it, and the engines.
"""
_FROM_STORE = "a store."
_FROM_SPECS = """\
the known shapes of its models.
Their files were not read: graphs, `engines/`, `app/` and the sources of the libraries are not in this
folder; `batchproof deploy deepstream` puts them into yours."""
_PARALLEL = """\
- **Several models on faces**: deepstream-app runs their nvdspreprocess elements side by side on one batch, and as far
  as the sources of 9.1 show, they add to the batch's metadata without a lock. Where that shows, disable all groups of
  `configs/app.txt` but one pair, or put the elements one behind the other in an application of yours.
"""
_FILES = (
    ("`configs/pgie_{detector}.txt`", "the detector with landmarks (`network-type=3`); the same as `.yml`"),
    ("`configs/pgie_{detector}_boxes.txt`", "the detector without landmarks (`network-type=0`); the same as `.yml`"),
    ("`configs/preprocess_align_*.txt`", "crops of faces for each model, by `nvdspreprocess`"),
    ("`configs/sgie_*.txt`", "the models on faces; the same as `.yml`"),
    ("`configs/app.txt`, `tracker.yml`, `labels.txt`", "the pipeline of deepstream-app"),
    ("`triton/`", "the same for nvinferserver, inside the process (`.capi`) and over gRPC, and a model repository"),
    ("`engines/`", "graphs, what is known of their inputs and outputs, and `build_engines.sh`"),
    ("`parser/`, `align/`, `include/`, `Makefile`", "the sources of both libraries"),
    ("`app/`", "applications in Python and C++, and enrolment"),
    ("`run.sh`, `Dockerfile`", "how it is built and run, with the pinned image"),
    ("`manifest.json`", "target, versions, ABI, models, constants, and the sha256 of every file"),
)


def readme(plan: BundlePlan) -> str:
    """Write the page, in Markdown."""
    target = plan.target
    return _PAGE.format(
        pack=plan.pack,
        product=target.product,
        origin=_FROM_STORE if plan.files else _FROM_SPECS,
        version="{}.{}".format(*plan.version),
        app=paths.APP,
        container=target.container,
        files="\n".join(f"| {name.format(detector=plan.detector.name)} | {what} |" for name, what in _FILES),
        models="\n".join(_row(plan, model) for model in plan.models),
        manifest=MANIFEST,
        licences="".join(_licences(plan)),
        faces=plan.faces,
        streams=plan.streams,
        largest=plan.detector.largest_batch,
        smallest=SMALLEST_FACE,
        tensorrt=f" ({target.tensorrt})" if target.tensorrt else "",
        boxes=_boxes(plan),
        notes="".join(f"- {note}\n" for note in target.notes),
        parallel=_PARALLEL if len(plan.secondaries) > 1 else "",
    )


def _row(plan: BundlePlan, model: DeployedModel) -> str:
    image, (height, width) = model.spec.input, model.size
    shape = f"{image.channels}x{height}x{width} {image.colour}"
    constants = f"mean {image.mean:g}, std {image.std:g}"
    cells = (f"`{model.stem}`", model.spec.role, shape, f"`{plan.engine(model)}`, {model.largest_batch}", constants)
    return f"| {' | '.join(cells)} |"


def _licences(plan: BundlePlan) -> Iterator[str]:
    """Name them as the manifest does; they came from a file, and are shown as code."""
    for model in plan.models:
        yield f"    {model.name}: {json.dumps(model.licence)}\n"


def _boxes(plan: BundlePlan) -> str:
    length = abi_bytes(plan)
    others = "24 before 9.0" if length == 28 else "28 from 9.0 on"
    return f"a box has {length} bytes here and {others}."


def abi_bytes(plan: BundlePlan) -> int:
    """The size of `NvDsInferObjectDetectionInfo`, which got a rotation in 9.0."""
    return 28 if plan.version >= _LARGER_BOXES_SINCE else 24
