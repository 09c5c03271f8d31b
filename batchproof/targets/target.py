"""One deployment target: which TensorRT it has, how it finds its engines, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, with_config

from batchproof.engine_options import EngineOptions, Hardware
from batchproof.errors import InputError
from batchproof.profile import EngineProfiles
from batchproof.targets.flags import FLAGS, OptionName, hardware_flag, typed_options
from batchproof.zoo.spec import Precision

Builder = Literal["ort", "rtx", "tensorrt"]
SCRIPT_NAME = "build_engines.sh"
# Batchproof itself builds with this major release and later ones; earlier ones it leaves to their container.
OLDEST_TENSORRT = 10
_PARTS_OF_A_BUILD = 4
_CPU = "CPUExecutionProvider"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Target:
    """What is known about one target.

    `tensorrt` is the build of its TensorRT, such as `10.9.0.34`, or as much of it as is known, at least `10.9` ("":
    any), `container` the image that has it ("": none), `provider` an execution provider of ONNX Runtime ("": none).
    `engine` is the pattern of the engine's file name, `options` the `EngineOptions` that it supports and `hardware`
    their compatibility levels beside `exact`. `profiles` is how many it uses of one engine (None: all), `minimum` the
    largest batch that a profile may begin with (None: any), `refusals` why options are refused. `usage` are the lines
    of its configuration that belong to an engine, `unconfirmed` the fields that no vendor's page confirms, `notes` what
    a user must know, `family` the group that it is listed in.
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
    minimum: int | None = None
    provider: str = ""
    tensorrt: str = ""
    cuda: str = ""
    container: str = ""
    unconfirmed: tuple[Literal["tensorrt", "cuda", "container"], ...] = ()
    usage: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    family: str = ""

    @property
    def is_provider(self) -> bool:
        """Whether ONNX Runtime executes the ONNX itself on an accelerator, so that no file is built."""
        return self.provider not in ("", _CPU)

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor of its TensorRT, which decide what its trtexec can do; a target of any TensorRT has none."""
        major, minor = self.tensorrt.split(".")[:2]
        return int(major), int(minor)

    @property
    def command(self) -> str:
        """The command that builds engines inside the container, from the folder of the script; "" without a container.

        The engines belong to whoever types it. A target of TensorRT has a container or is the TensorRT installed here.
        """
        user = '--user "$(id -u):$(id -g)" -v "$PWD":/engines -w /engines'
        return f"docker run --rm --gpus all {user} {self.container} sh {SCRIPT_NAME}" if self.container else ""

    def check_container(self) -> None:
        """Raise `InputError` when this target has no container to build in."""
        if not self.container:
            raise InputError(f"{self.name} has no container to build in", remedy="Build its engines here")

    def check_options(self, options: EngineOptions) -> None:
        """Raise `InputError` for the first chosen option that this target does not support."""
        for name, typed in typed_options(options).items():
            refused = name not in self.options
            if refused or (name == "hardware" and options.hardware not in self.hardware):
                why = next(self.refusals[key] for key in (typed, name, "otherwise") if key in self.refusals)
                raise InputError(f"{self.name} does not support {typed}: {why}", remedy=self._supported())

    def check_engine(self, precision: Precision, profiles: EngineProfiles) -> None:
        """Raise `InputError` when this target has no use for such an engine."""
        self.check_precision(precision)
        self.check_profiles(profiles)

    def check_precision(self, precision: Precision) -> None:
        """Raise `InputError` when this target builds no engines of that precision."""
        if refusal := self.refusal(precision):
            raise refusal

    def refusal(self, precision: Precision) -> InputError | None:
        """Return what `check_precision` raises; None when it raises nothing."""
        if precision in self.precisions:
            return None
        why = f"TensorRT {self.tensorrt} does not take its types from the ONNX"
        what = f"{self.name} builds no {precision} engines: {why}"
        return InputError(what, remedy=f"Build {' or '.join(self.precisions)}, or for a target of TensorRT 10")

    def check_profiles(self, profiles: EngineProfiles) -> None:
        """Raise `InputError` when this target uses fewer profiles, or sends smaller batches than they take."""
        if self.profiles is not None and len(profiles) > self.profiles:
            what = f"{self.name} executes profile 0 alone, and {profiles.text} are {len(profiles)}"
            raise InputError(what, remedy="Give one profile, or build one engine for each")
        for profile in profiles:
            if self.minimum is not None and profile.minimum > self.minimum:
                what = f"{self.name} sends batches that are not full, and profile {profile.text} takes no fewer than"
                raise InputError(f"{what} {profile.minimum} images", remedy=f"Let it begin with {self.minimum}")

    def engine_name(self, onnx_stem: str, profiles: EngineProfiles, precision: Precision) -> str:
        """Return the engine's file name: the one that the target gives it; relative, with `/` where it wants folders.

        `onnx_stem` is the name of the ONNX file without `.onnx`. The name need not tell two engines apart: what the
        target does not look at is not in it.
        """
        return self.engine.format(stem=onnx_stem, batch=profiles.overall.maximum, precision=precision)

    def mismatch(self, installed: str | None) -> str | None:
        """Say why the TensorRT that is installed here (None: none is) builds nothing for this target, and what to do.

        None when it does. An engine is for the very build of TensorRT that made it, so all of it that is known counts.
        """
        if f"{installed}.".startswith(f"{self.tensorrt}.") or not self.tensorrt:
            return None
        found = f"TensorRT {installed} is installed" if installed else "No TensorRT is installed here"
        what = f"{found}, and {self.product} loads engines of TensorRT {self.tensorrt}"
        return f"{what}. Build them in its container, with {SCRIPT_NAME}: {self.command}{self._or_install()}."

    def _or_install(self) -> str:
        if self.release[0] < OLDEST_TENSORRT:
            return ""
        exact = self.tensorrt.count(".") + 1 == _PARTS_OF_A_BUILD
        version = self.tensorrt if exact else f"{self.tensorrt}.*"
        return f"; or install 'tensorrt=={version}' from NVIDIA's own package index (docs/install.md)"

    def _supported(self) -> str:
        if not self.options:
            return "Leave it away"
        levels = " or ".join(map(hardware_flag, self.hardware))
        named = [levels if name == "hardware" else FLAGS[name] for name in self.options]
        return f"Leave it away; supported are {', '.join(named)}"
