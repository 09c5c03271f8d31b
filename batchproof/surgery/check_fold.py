"""The empirical check of folded preprocessing on ONNX Runtime: raw pixels give what the preprocessed blob gave."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from batchproof.pipeline.blob import to_blob
from batchproof.policy import SurgeryLimits
from batchproof.runtime import open_session
from batchproof.surgery.raw_input import RawInput
from batchproof.surgery.shapes import ImageSize
from batchproof.verdict import Verdict, at_most
from batchproof.zoo.recognise import Recognition

_PICTURES = 3


def check_fold(
    original: onnx.ModelProto,
    folded: onnx.ModelProto,
    recognition: Recognition,
    raw: RawInput,
    size: ImageSize,
    *,
    limits: SurgeryLimits,
    subject: str,
) -> list[Verdict]:
    """Compare `folded`, fed with `raw` pixels, with `original`, fed with the blob that its spec asks for.

    One verdict for ONNX Runtime's optimiser on and one for off, each over a batch of three pictures of noise, at `size`
    where the model leaves it free. Raises `StepFailedError` when one of them cannot be loaded.
    """
    spec = recognition.spec.input
    shape = (_PICTURES, spec.height or size.height, spec.width or size.width, 3)
    pictures = list(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    verdicts = []
    for optimised in (True, False):
        expected = _run(original, to_blob(pictures, spec), optimised=optimised)
        found = _run(folded, raw.feed(pictures), optimised=optimised)
        figure = max(float(np.max(np.abs(one - other))) for one, other in zip(expected, found, strict=True))
        check = f"surgery.raw_equals_blob.{'optimised' if optimised else 'unoptimised'}"
        reason = f"largest difference of {raw} pixels to their blob, over a batch of {_PICTURES} pictures"
        verdicts.append(at_most(check, subject, figure, limits.single_max_abs, reason))
    return verdicts


def _run(model: onnx.ModelProto, images: NDArray[Any], *, optimised: bool) -> list[NDArray[np.float32]]:
    session = open_session(model.SerializeToString(), optimised=optimised)
    return list(session.run(None, {session.get_inputs()[0].name: images}))
