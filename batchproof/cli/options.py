"""Options that several verbs share, and what becomes of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from batchproof.errors import InputError
from batchproof.zoo.spec import Precision

if TYPE_CHECKING:
    from batchproof.policy import Policy
    from batchproof.settings import Settings
    from batchproof.zoo.spec import ModelSpec

Model = Annotated[
    Path, typer.Argument(metavar="MODEL.onnx", help="An SCRFD, ArcFace or other InsightFace graph.", show_default=False)
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]
ProfileOption = Annotated[
    str, typer.Option("--profile", "--batch", metavar="MIN,OPT,MAX", help="Batch sizes; one number N means 1,N,N.")
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


def settings_of(profile: str, size: str, images: Path | None, policy: Path | None) -> Settings:
    """Make settings of what was typed; raises `InputError` for anything unusable, pictures included."""
    from batchproof.pipeline.pictures import load_pictures
    from batchproof.profile import Profile
    from batchproof.settings import Settings

    if images is not None:
        load_pictures(images)  # refuses what is no picture before hours of work, not after
    height, width = size_of(size)
    return Settings(Profile.parse(profile, height=height, width=width), images, policy_of(policy))


def policy_of(path: Path | None) -> Policy:
    """Read a policy; None is the committed one."""
    from batchproof.policy import load_policy

    return load_policy(path)


def size_of(text: str) -> tuple[int, int]:
    """Read `640x480` as height and width."""
    size = re.fullmatch(r"([1-9][0-9]{0,4})[xX]([1-9][0-9]{0,4})", text)
    if size is None:
        raise InputError(f"'{text}' is no image size", remedy="Write height x width in pixels, for example 640x640")
    return int(size[1]), int(size[2])


def recognised(model: Path) -> tuple[ModelSpec, Precision]:
    """Read a graph's family, and the precision of its weights."""
    from batchproof.artifacts import onnx_file
    from batchproof.zoo.recognise import recognise

    graph = onnx_file.read(model)
    return recognise(graph, model).spec, onnx_file.precision(graph)
