"""The thresholds that verdicts are judged by: read from a committed file, never derived from the run they judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, with_config

from batchproof.artifacts import toml_file
from batchproof.zoo.spec import Precision

DEFAULT_POLICY = Path(__file__).with_name("policy.toml")

Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_EXACT_KEYS = ConfigDict(extra="forbid")


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ExportLimits:
    """Largest differences of an exported graph to PyTorch, and of a network to the ONNX file it was recovered from.

    Scores are taken as they are, everything else in parts of an output's largest value; `parity` is for both. `tenfold`
    is for noise of ten times the contrast that pixels have.
    """

    parity: Limit
    recovered_score: Limit
    recovered_tenfold_score: Limit
    recovered_relative: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class SurgeryLimits:
    """Largest absolute difference of any output: to the original (N = 1), and of a batch's row to the image alone."""

    single_max_abs: Limit
    row_max_abs: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Fp16GraphLimits:
    """What an FP16 graph must be: mostly half, within the range of half, and without many Casts at FP32 islands."""

    half_share: Annotated[float, Field(ge=0, le=1)]
    island_casts: Limit
    overflowing_weights: Limit
    largest_activation: Annotated[float, Field(gt=0, le=65504)]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class EngineLimits:
    """Bytes of activations that the largest batch of a profile may need, as `activation_memory` counts them."""

    activation_bytes: Annotated[float, Field(gt=0, allow_inf_nan=False)]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class BuildLimits:
    """Largest absolute difference of any output between a built session file and the graph it was built from."""

    session_max_abs: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ProbeLimits:
    """Largest absolute change of any output: by the neighbours' content, and by the size of the batch."""

    contamination: Limit
    non_invariance: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class DetectorLimits:
    """Largest absolute differences to insightface: raw outputs in the network's units, faces in picture pixels."""

    raw_score: Limit
    raw_bbox: Limit
    raw_kps: Limit
    unmatched_faces: Limit
    box_shift_px: Limit
    landmark_shift_px: Limit
    score_shift: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class EmbedderLimits:
    """Smallest cosine and largest absolute difference of an embedding to insightface's, before normalisation."""

    min_cosine: Annotated[float, Field(ge=-1, le=1)]
    max_abs: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class LandmarkLimits:
    """Largest differences of 2d106det and 1k3d68 to insightface.

    Of raw outputs (1 is half a crop), of any point in picture pixels, and of any angle of a head in degrees.
    """

    raw: Limit
    point_shift_px: Limit
    pose_degrees: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class AttributeLimits:
    """Largest differences of genderage to insightface: raw outputs (ages in centuries), changed genders, and years.

    What can change within `raw` is rounding, and not counted.
    """

    raw: Limit
    changed_genders: Limit
    age_years: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ArithmeticLimits:
    """Largest differences of our arithmetic to insightface's on the same inputs, whatever the models' precision.

    Of pixel values, of values near 1, and of places in a picture. Two faces are one person above the cosine
    `same_person`.
    """

    grey_levels: Limit
    unit: Limit
    pixels: Limit
    same_person: Annotated[float, Field(ge=-1, le=1)]


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class ChainLimits:
    """Largest differences end to end, of what comes after the landmarks."""

    aligned_px: Limit
    grey_levels: Limit
    max_abs: Limit
    unit: Limit
    cosine: Limit


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class PrecisionLimits:
    """The thresholds for models of one precision."""

    build: BuildLimits
    probe: ProbeLimits
    detector: DetectorLimits
    embedder: EmbedderLimits
    chain: ChainLimits
    landmarks: LandmarkLimits
    attributes: AttributeLimits


@with_config(_EXACT_KEYS)
@dataclass(frozen=True)
class Policy:
    """All thresholds."""

    export: ExportLimits
    surgery: SurgeryLimits
    fp16_graph: Fp16GraphLimits
    build: EngineLimits
    arithmetic: ArithmeticLimits
    fp32: PrecisionLimits
    fp16: PrecisionLimits

    def limits(self, precision: Precision) -> PrecisionLimits:
        """Return the thresholds for models whose weights have this precision."""
        return self.fp32 if precision == "fp32" else self.fp16


def load_policy(path: Path | None = None) -> Policy:
    """Read a policy file (TOML); without a path, the one that comes with Batchproof.

    Raises `InputError` that names every key that is unknown, missing, or has an impossible value.
    """
    return toml_file.read(path or DEFAULT_POLICY, Policy, called="policy", like=DEFAULT_POLICY.name)
