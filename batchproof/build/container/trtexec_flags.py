"""One engine's options as flags of trtexec, as the release that builds it has them.

The flags are those of samples/common/sampleOptions.cpp in NVIDIA/TensorRT, tags 8.5.3 to v11.1. Several profiles there
need `--profile=0` and so on, each directly followed by its shapes.
"""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.engine_options import EngineOptions, Hardware
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles, Shape
from batchproof.zoo.spec import ModelSpec

_LEVELS: dict[Hardware, str] = {"ampere+": "ampere+", "same-capability": "sameComputeCapability"}


def profile_flags(profiles: EngineProfiles, spec: ModelSpec, input_name: str) -> list[str]:
    """Return the flags for all profiles; raises `InputError` for an input that trtexec cannot be told of."""
    if not input_name or set(input_name) & set(",'"):
        what = f"trtexec takes no shape for an input that is called '{input_name}'"
        raise InputError(what, remedy="Rename it in the ONNX")
    flags = []
    for index, profile in enumerate(profiles):
        shapes = profile.input_shapes(spec)
        if len(profiles) > 1:
            flags.append(f"--profile={index}")
        for limit, shape in (("min", shapes.minimum), ("opt", shapes.optimum), ("max", shapes.maximum)):
            flags.append(f"--{limit}Shapes={input_name}:{_text(shape)}")
    return flags


def release_flags(release: tuple[int, int]) -> list[str]:
    """Return the flags that have the types of the ONNX kept, and nothing but the engine made, by major and minor.

    From 11 on all networks are strongly typed, before 10 none. The detail is for the layers' types, which trtexec
    writes down once the engine is there, executed or not.
    """
    typed = ["--stronglyTyped"] if release[0] == 10 else []
    return [*typed, "--buildOnly" if release < (8, 6) else "--skipInference", "--profilingVerbosity=detailed"]


def option_flags(options: EngineOptions) -> Iterator[str]:
    """Give the flags for options that the target supports."""
    if not options.tf32:
        yield "--noTF32"
    if options.optimisation_level is not None:
        yield f"--builderOptimizationLevel={options.optimisation_level}"
    if options.workspace_mib is not None:
        yield f"--memPoolSize=workspace:{options.workspace_mib}"
    if options.hardware != "exact":
        yield f"--hardwareCompatibilityLevel={_LEVELS[options.hardware]}"
    if options.version_compatible:
        yield "--versionCompatible"
    if options.distributive_independence:
        yield "--distributiveIndependence"


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape))
