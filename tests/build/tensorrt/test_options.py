from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from batchproof.build.tensorrt.compat import Backend, TensorRT
from batchproof.build.tensorrt.options import check_available, configure, without_effect
from batchproof.engine_options import EngineOptions
from batchproof.errors import StepFailedError


def tensorrt(backend: Backend, *, flags: str = "", levels: str = "", capabilities: str = "") -> TensorRT:
    named = [frozenset(names.split()) for names in (flags, levels, capabilities)]
    return TensorRT(backend, "9.9.9", ModuleType("tensorrt"), named[0], frozenset(), named[1], named[2])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (EngineOptions(version_compatible=True), "has no builder flag VERSION_COMPATIBLE"),
        (EngineOptions(distributive_independence=True), "has no builder flag DISTRIBUTIVE_INDEPENDENCE"),
        (EngineOptions(hardware="ampere+"), r"has no hardware compatibility 'ampere\+'. Use a later release"),
        (EngineOptions(compute_capabilities=("8.6",)), "has no compute capability '8.6'. It builds for the GPU"),
    ],
)
def test_what_a_release_does_not_have_is_named(options: EngineOptions, said: str) -> None:
    with pytest.raises(StepFailedError, match=rf"TensorRT 9\.9\.9 {said}"):
        check_available(tensorrt("tensorrt", flags="TF32", levels="NONE SAME_COMPUTE_CAPABILITY"), options)


def test_what_a_release_has_passes() -> None:
    flags, levels = "VERSION_COMPATIBLE DISTRIBUTIVE_INDEPENDENCE", "AMPERE_PLUS"
    options = EngineOptions(version_compatible=True, distributive_independence=True, hardware="ampere+")
    check_available(tensorrt("tensorrt", flags=flags, levels=levels), options)


def test_an_unknown_capability_lists_the_known_ones() -> None:
    rtx = tensorrt("rtx", capabilities="CURRENT SM75 SM86 SM120")
    check_available(rtx, EngineOptions(compute_capabilities=("8.6", "12.0")))
    check_available(rtx, EngineOptions(compute_capabilities=("current",)))
    with pytest.raises(StepFailedError, match=r"has no compute capability '9\.0'. It compiles for 7\.5, 8\.6, 12\.0"):
        check_available(rtx, EngineOptions(compute_capabilities=("8.6", "9.0")))


def test_portable_engines_of_rtx_are_those_of_several_capabilities() -> None:
    with pytest.raises(StepFailedError, match="choose compute capabilities instead"):
        check_available(tensorrt("rtx"), EngineOptions(hardware="same-capability"))


@pytest.mark.parametrize(("backend", "named"), [("rtx", ("optimisation_level",)), ("tensorrt", ())])
def test_options_without_effect_are_named(backend: Backend, named: Any) -> None:
    assert without_effect(backend, EngineOptions(optimisation_level=5, tf32=True)) == named
    assert without_effect(backend, EngineOptions()) == ()


class Config:
    """A builder configuration that remembers; TF32 is on, as in all of TensorRT's."""

    def __init__(self) -> None:
        self.flags = {"TF32"}
        self.pools: dict[str, int] = {}
        self.capabilities: dict[int, str] = {}
        self.set_flag = self.flags.add
        self.clear_flag = self.flags.discard

    def set_memory_pool_limit(self, pool: str, limit: int) -> None:
        self.pools[pool] = limit

    def set_compute_capability(self, capability: str, index: int) -> None:
        self.capabilities[index] = capability


def configured(options: EngineOptions) -> Any:
    """Every member of every enumeration is its own name."""
    module, config = ModuleType("tensorrt"), Config()
    kinds = ("BuilderFlag", "MemoryPoolType", "HardwareCompatibilityLevel", "ComputeCapability", "ProfilingVerbosity")
    vars(module).update({kind: EveryName() for kind in kinds})
    none = frozenset[str]()
    configure(TensorRT("tensorrt", "9.9.9", module, none, none, none, none), options, config)
    return config


class EveryName(SimpleNamespace):
    def __getattr__(self, name: str) -> str:
        return name


def test_plain_options_only_switch_tf32_off() -> None:
    config = configured(EngineOptions())
    assert (config.flags, config.pools, config.capabilities) == (set(), {}, {})
    assert not hasattr(config, "builder_optimization_level")
    assert not hasattr(config, "hardware_compatibility_level")


def test_engines_keep_what_their_layers_compute_in() -> None:
    assert configured(EngineOptions()).profiling_verbosity == "DETAILED"


def test_every_option_reaches_the_builder() -> None:
    options = EngineOptions(True, 4, 256, "same-capability", True, True, ("8.6", "12.0"))
    config = configured(options)
    assert config.flags == {"TF32", "VERSION_COMPATIBLE", "DISTRIBUTIVE_INDEPENDENCE"}
    assert config.builder_optimization_level == 4
    assert config.pools == {"WORKSPACE": 256 * 2**20}
    assert config.hardware_compatibility_level == "SAME_COMPUTE_CAPABILITY"
    assert config.num_compute_capabilities == 2
    assert config.capabilities == {0: "SM86", 1: "SM120"}


def test_the_gpu_that_is_here_may_be_asked_for() -> None:
    assert configured(EngineOptions(compute_capabilities=("current",))).capabilities == {0: "CURRENT"}
