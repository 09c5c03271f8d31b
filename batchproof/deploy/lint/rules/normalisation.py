"""Normalisation and colours of what goes into a network: a wrong constant makes every result worse, and none fail."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator

from batchproof.deploy.lint.bundle import Bundle
from batchproof.deploy.lint.elements import NvInfer, Preprocess
from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.inputs import cutting, fed
from batchproof.deploy.lint.network import Network
from batchproof.deploy.lint.values import as_number, as_numbers

_CHANNELS = {0: 3, 1: 3, 2: 1}
_ALIGNER = "libbatchproof_align.so"
_COLOURS = {0: "RGB", 1: "BGR", 2: "GRAY"}


def _offsets(bundle: Bundle) -> Iterator[Fault]:
    for element in bundle.nvinfers:
        offsets = as_numbers(element.settings.text("offsets"))
        channels = _CHANNELS.get(element.integer("model-color-format", 0))
        if offsets and channels and len(offsets) != channels:
            sentence = f"{len(offsets)} offsets for {channels} channels: nvinfer refuses to start"
            value = ";".join([element.settings.text("offsets").split(";")[0]] * channels)
            yield Fault(element.place("offsets"), sentence, f"Write offsets={value}")


def _normalisation(bundle: Bundle) -> Iterator[Fault]:
    for element, network in cutting(bundle):
        if network.spec is None:
            continue
        scale, offset = 1 / network.spec.input.std, network.spec.input.mean
        written = as_number(element.settings.text("net-scale-factor", "1"))
        if written is not None and not math.isclose(written, scale, rel_tol=1e-3):
            sentence = f"{network.spec.family} is normalised by 1/{network.spec.input.std:g}, not by {written:g}"
            remedy = f"Write net-scale-factor={scale!r}"
            yield Fault(element.place("net-scale-factor"), f"{sentence}: every result is off, none says so", remedy)
        offsets = as_numbers(element.settings.text("offsets")) or [0.0]
        if not element.settings.entry("mean-file") and any(abs(value - offset) > 1e-3 for value in offsets):
            sentence = f"{network.spec.family} has {offset:g} subtracted, not {offsets[0]:g}"
            remedy = f"Write offsets={offset:g};{offset:g};{offset:g}" if offset else "Remove offsets"
            yield Fault(element.place("offsets"), f"{sentence}: every result is off, none says so", remedy)


def _prepared(bundle: Bundle) -> Iterator[Fault]:
    for element, network in fed(bundle):
        options = element.config.section("user-configs")
        for key, (wanted, default) in _constants(element, network).items():
            written = as_numbers(options.text(key, default)) or []
            if any(not math.isclose(value, wanted, rel_tol=1e-3, abs_tol=1e-6) for value in written):
                value = ";".join([f"{wanted!r}"] * len(written))
                sentence = (
                    f"{key} is {wanted:g} for this network, not {written[0]:g}: every result is off, none says so"
                )
                yield Fault(element.config.place(options, key), sentence, f"Write {key}={value}")


def _constants(element: Preprocess, network: Network) -> dict[str, tuple[float, str]]:
    """What the two libraries whose keys are known, NVIDIA's own and our aligner, must be told, and what they assume."""
    if network.spec is None:
        return {}
    mean, std = network.spec.input.mean, network.spec.input.std
    if posixpath.basename(element.text("custom-lib-path")) == _ALIGNER:
        return {"mean": (mean, "127.5"), "std": (std, "127.5")}
    return {"pixel-normalization-factor": (1 / std, ""), "offsets": (mean, "")}


def _colour(bundle: Bundle) -> Iterator[Fault]:
    for element, network in cutting(bundle):
        yield from _wrong_colour(element, "model-color-format", network)
    for preprocess, network in fed(bundle):
        yield from _wrong_colour(preprocess, "network-color-format", network)


def _wrong_colour(element: NvInfer | Preprocess, key: str, network: Network) -> Iterator[Fault]:
    number = element.integer(key, 0)
    if network.spec and _COLOURS.get(number) != network.spec.input.colour:
        wanted = network.spec.input.colour
        sentence = f"{network.spec.family} takes {wanted}, and gets {_COLOURS.get(number, number)}"
        value = next(known for known, colour in _COLOURS.items() if colour == wanted)
        yield Fault(element.place(key), f"{sentence}: results get worse, nothing says so", f"Write {key}={value}")


RULES = (
    Rule("tensors.offsets", "error", "Another number of `offsets` than of channels.", _offsets),
    Rule(
        "tensors.normalisation",
        "error",
        "Scale or offsets of another family: 1/128 for ArcFace, 1/127.5 for SCRFD.",
        _normalisation,
        "network",
    ),
    Rule(
        "tensors.prepared",
        "error",
        "Constants of another family in the `[user-configs]` of NVIDIA's library or our aligner.",
        _prepared,
        "network",
    ),
    Rule("tensors.colour", "error", "RGB for a family that takes BGR, or the reverse.", _colour, "network"),
)
