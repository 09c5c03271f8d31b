"""Options that several verbs share, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchproof.profile_text import read_size
from batchproof.zoo.spec import Precision

if TYPE_CHECKING:
    from batchproof.policy import Policy
    from batchproof.settings import Settings
    from batchproof.zoo.spec import ModelSpec

Model = Annotated[
    Path, typer.Argument(metavar="MODEL.onnx", help="An SCRFD, ArcFace or other InsightFace graph.", show_default=False)
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)]
Url = Annotated[
    str,
    typer.Argument(
        metavar="URL", help="grpc://127.0.0.1:8001 or http://127.0.0.1:8000; ports may be left out.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]
Profiles = Annotated[
    list[str] | None,
    typer.Option(
        "--profile",
        "--batch",
        metavar="MIN,OPT,MAX",
        help="Batch sizes; N means 1,N,N; @HxW,HxW,HxW adds image sizes, + another profile of the engine "
        "(default: 1,16,32).",
        show_default=False,
    ),
]
SizeOption = Annotated[
    str, typer.Option("--size", metavar="HxW", help="Image size of detectors, height x width, multiples of 32.")
]
Images = Annotated[
    Path | None,
    typer.Option("--images", metavar="DIR", help="Pictures with faces; default: those that insightface brings."),
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Thresholds (TOML); default: the committed policy.")
]
Raw = Annotated[
    str | None,
    typer.Option(
        "--raw",
        metavar="TYPE,AXES,COLOURS",
        help="Take pixels 0..255 and normalise in the graph: uint8 or float32, NCHW or NHWC, BGR or RGB.",
    ),
]


def settings_of(
    typed: list[str] | None,
    size: str,
    images: Path | None,
    policy: Path | None,
    profiles: Path | None = None,
    models: Path | None = None,
) -> Settings:
    """Make settings of what was typed; raises `InputError` for anything unusable, pictures included.

    `profiles` is a file of them, and `models` a folder that may hold one.
    """
    from batchproof.pipeline.pictures import load_pictures
    from batchproof.profile_choice import choose
    from batchproof.settings import Settings

    if images is not None:
        load_pictures(images)  # refuses what is no picture before hours of work, not after
    return Settings(choose(typed or [], profiles, models, read_size(size)), images, policy_of(policy))


def policy_of(path: Path | None) -> Policy:
    """Read a policy; None is the committed one."""
    from batchproof.policy import load_policy

    return load_policy(path)


def recognised(model: Path) -> tuple[ModelSpec, Precision]:
    """Read a graph's family, and the precision of its weights."""
    from batchproof.artifacts import onnx_file
    from batchproof.zoo.recognise import recognise

    graph = onnx_file.read(model)
    return recognise(graph, model).spec, onnx_file.precision(graph)
