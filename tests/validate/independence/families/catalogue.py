"""All families in all forms."""

from __future__ import annotations

from tests.validate.independence.families import (
    arcface_mxnet,
    centerface,
    iresnet,
    landmarks,
    mask_detector,
    mobilefacenet,
    retinaface,
    scrfd,
    vit,
    yolov5face,
)
from tests.validate.independence.families.form import Form

FORMS: tuple[Form, ...] = (
    *scrfd.FORMS,
    *retinaface.FORMS,
    *yolov5face.FORMS,
    *centerface.FORMS,
    *iresnet.FORMS,
    *arcface_mxnet.FORMS,
    *mobilefacenet.FORMS,
    *vit.FORMS,
    *landmarks.FORMS,
    *mask_detector.FORMS,
)
