"""One deployment target: which TensorRT it has, how it finds its engines, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, with_config

from batchproof.engine_options import EngineOptions, Hardware
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.zoo.spec import Precision

Builder = Literal["ort", "rtx", "tensorrt"]
OptionName = Literal[
    "tf32",
    "optimisation_level",
    "workspace_mib",
    "hardware",
    "version_compatible",
    "distributive_independence",
    "compute_capabilities",
]
SCRIPT_NAME = "build_engines.sh"
# Batchproof itself builds with this major release and later ones; earlier ones it leaves to their container.
OLDEST_TENSORRT = 10
_CPU = "CPUExecutionProvider"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Target:
    """What is known about one target.

    `tensorrt` is the release line of its TensorRT, such as `10.9` ("": any), `container` the image that has it ("":
    none), `provider` an execution provider of ONNX Runtime ("": none). `engine` is the pattern of the engine's file
    name, `options` the `EngineOptions` that it supports and `hardware` their compatibility levels beside `exact`.
    `profiles` is how many it uses of one engine (None: all), `refusals` why options are refused, `unconfirmed` which
    fields no vendor's page confirms, `notes` what a user must know.
    """

    name: str
    product: str
    builder: Builder
    engine: str
    options: tuple[OptionName, ...]
    refusals: Mapping[str, str]
    hardware: tuple[Hardware, ...] = ()
    precisions: tuple[Precision, ...] = ("fp32", "fp16")
    profiles: int | None = None
    provider: str = ""
    tensorrt: str = ""
    cuda: str = ""
    container: str = ""
    unconfirmed: tuple[Literal["tensorrt", "cuda", "container"], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_provider(self) -> bool:
        """Whether ONNX Runtime executes the ONNX itself on an accelerator, so that no file is built."""
        return self.provider not in ("", _CPU)

    @property
    def command(self) -> str:
        """The command that builds engines inside the container, from the folder of the script; "" without a container.

        A target of TensorRT has a container or is the TensorRT that is installed here.
        """
        mount = '-v "$PWD":/engines -w /engines'
        return f"docker run --rm --gpus all {mount} {self.container} sh {SCRIPT_NAME}" if self.container else ""

    def check_options(self, options: EngineOptions) -> None:
        """Raise `InputError` for the first chosen option that this target does not support."""
        for option in options.chosen:
            refused = option not in self.options
            if refused or (option == "hardware" and options.hardware not in self.hardware):
                what = f"{option} {options.hardware}" if option == "hardware" else option
                why = self.refusals.get(option, self.refusals["otherwise"])
                raise InputError(f"{self.name} does not support {what}: {why}", remedy=self._supported())

    def check_engine(self, precision: Precision, profiles: EngineProfiles) -> None:
        """Raise `InputError` when this target has no use for an engine of that precision, or of so many profiles."""
        if precision not in self.precisions:
            why = f"TensorRT {self.tensorrt} does not take its types from the ONNX"
            what = f"{self.name} builds no {precision} engines: {why}"
            raise InputError(what, remedy=f"Build {' or '.join(self.precisions)}, or for a target of TensorRT 10")
        if self.profiles is not None and len(profiles) > self.profiles:
            what = f"{self.name} executes profile 0 alone, and {profiles.text} are {len(profiles)}"
            raise InputError(what, remedy="Give one profile, or build one engine for each")

    def engine_name(self, onnx_stem: str, profiles: EngineProfiles, precision: Precision, gpu: int = 0) -> str:
        """Return the file name under which the target finds the engine; relative, with `/` where it wants folders.

        `onnx_stem` is the name of the ONNX file without `.onnx`, `gpu` the number of the GPU that nvinfer runs on. The
        name need not tell two engines apart: what the target does not look at is not in it.
        """
        return self.engine.format(stem=onnx_stem, batch=profiles.overall.maximum, precision=precision, gpu=gpu)

    def mismatch(self, installed: str | None) -> str | None:
        """Say why the TensorRT that is installed here (None: none is) builds nothing for this target, and what to do.

        None when it does: another build of the same release line counts as the same, which the script inside the
        container need not assume.
        """
        if not self.tensorrt or (installed and _line(installed) == _line(self.tensorrt)):
            return None
        found = f"TensorRT {installed} is installed" if installed else "No TensorRT is installed here"
        what = f"{found}, and {self.product} loads engines of TensorRT {self.tensorrt}"
        return f"{what}. Build them in its container, with {SCRIPT_NAME}: {self.command}{self._or_install()}."

    def _or_install(self) -> str:
        if int(self.tensorrt.split(".")[0]) < OLDEST_TENSORRT:
            return ""
        return f"; or install 'tensorrt=={self.tensorrt}.*' from NVIDIA's own package index (docs/install.md)"

    def _supported(self) -> str:
        if not self.options:
            return "Leave it away"
        named = [f"hardware {' or '.join(self.hardware)}" if name == "hardware" else name for name in self.options]
        return f"Leave it away; supported are {', '.join(named)}"


def _line(version: str) -> tuple[str, ...]:
    """Major and minor, which a release line consists of."""
    return tuple(version.split(".")[:2])
