"""Parity of genderage with insightface: raw outputs, decisions on gender, and ages in years."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from batchproof.errors import StepFailedError
from batchproof.pipeline.attributes import AttributeReader, Attributes
from batchproof.pipeline.decode import Floats
from batchproof.runtime import Runner
from batchproof.validate.face_oracle import ObservedAttributes, OracleAttributes
from batchproof.validate.face_sample import FaceSample
from batchproof.validate.parity import ParitySettings
from batchproof.validate.whole_batches import WholeBatches
from batchproof.verdict import Status, Verdict, at_most, not_run
from batchproof.zoo.spec import ModelSpec

_CHECKS = ("raw_attributes", "gender", "age")


def attribute_parity(
    oracle: OracleAttributes, runner: Runner, spec: ModelSpec, sample: FaceSample, settings: ParitySettings
) -> list[Verdict]:
    """Compare our batched `AttributeReader` with insightface's `Attribute` on the original file, face by face.

    All faces go through `runner` in whole batches of `batch`, and through `oracle` one at a time. Raises
    `StepFailedError` when the original gives NaN or Inf.
    """
    batches = WholeBatches(runner, spec, settings.batch)
    reader = AttributeReader(batches, spec, settings.batch)
    if not sample.faces:
        return [not_run(f"parity.{check}", settings.subject, sample.told) for check in _CHECKS]
    try:
        found = reader.read(sample.pictures, sample.boxes)
    except StepFailedError as error:
        return [Verdict("parity.outputs", settings.subject, Status.FAIL, error.what)]
    seen = [oracle.observe(face.pixels, face.box) for face in sample.faces]
    raw = np.stack([face.raw for face in seen])
    return [
        _raw_verdict(batches.rows, raw, sample, settings),
        _gender_verdict(found, seen, raw, sample, settings),
        _age_verdict(found, seen, raw, sample, settings),
    ]


def _raw_verdict(rows: Floats, raw: Floats, sample: FaceSample, settings: ParitySettings) -> Verdict:
    return sample.worst(
        "parity.raw_attributes",
        settings.subject,
        np.abs(rows - raw).max(axis=1),
        settings.limits.attributes.raw,
        f"largest difference of raw attribute outputs, {sample.told}, in batches of {settings.batch} against "
        "insightface one at a time",
    )


def _gender_verdict(
    found: Attributes, seen: Sequence[ObservedAttributes], raw: Floats, sample: FaceSample, settings: ParitySettings
) -> Verdict:
    limits = settings.limits.attributes
    close = np.abs(raw[:, 0] - raw[:, 1]) < 2 * limits.raw  # either value may move by it
    changed = np.flatnonzero((found.male != [face.male for face in seen]) & ~close)
    return at_most(
        "parity.gender",
        settings.subject,
        len(changed),
        limits.changed_genders,
        f"changed decisions, {sample.told}, of which {close.sum()} are too close to call",
        unit="faces",
        witness=sample.faces[changed[0]].name if changed.size else None,
    )


def _age_verdict(
    found: Attributes, seen: Sequence[ObservedAttributes], raw: Floats, sample: FaceSample, settings: ParitySettings
) -> Verdict:
    limits = settings.limits.attributes
    years = np.abs(found.age - [face.age for face in seen])
    return sample.worst(
        "parity.age",
        settings.subject,
        np.maximum(years - _either_year(raw, limits.raw), 0),
        limits.age_years,
        f"largest difference of an age beyond what rounding to whole years decides, {sample.told}",
        unit="years",
    )


def _either_year(raw: Floats, slack: float) -> NDArray[np.bool_]:
    """Whether an age is so near to half a year, `[n]`, that `slack` takes it to the next whole one."""
    years = raw[:, 2].astype(np.float64) * 100
    near: NDArray[np.bool_] = np.abs(years - np.floor(years) - 0.5) <= slack * 100
    return near
