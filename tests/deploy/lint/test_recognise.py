from __future__ import annotations

import pytest

from batchproof.deploy.lint.document import UnreadableError
from batchproof.deploy.lint.recognise import read_config
from tests.deploy.lint import bundles

NVDSANALYTICS = "[property]\nenable=1\nconfig-width=1920\nosd-mode=2\n\n[line-crossing-stream-0]\nenable=1\n"
NVDEWARPER = "[property]\noutput-width=640\nnum-batch-buffers=4\n"
NVINFERAUDIO = "[property]\nonnx-file=a.onnx\naudio-transform=melsdb\n"
NVDSPOSTPROCESS = "property:\n  gie-unique-id: 1\n  network-type: 4\n  num-detected-classes: 17\n"
OTHER_APPLICATION = "source:\n  location: a.h264\nprimary-gie:\n  config-file-path: pgie.txt\n"
SOMEBODY_S_TOML = '[streammux]\nwidth = 1920\n\n[source]\nsource0 = "file:///a.mp4"\n'
STREAMS = "[source0]\ntype=3\n\n[streammux]\nbatch-size=1\n"
SEVERAL_DETECTORS = "primary-gie0:\n  config-file: a.txt\nprimary-gie1:\n  config-file: b.txt\n"
PIPELINE = "deepstream:\n  nodes:\n  - type: nvinferbin\n"


@pytest.mark.parametrize(
    ("text", "role"),
    [
        (bundles.PGIE, "nvinfer"),
        (bundles.YAML_SGIE, "nvinfer"),
        (bundles.PREPROCESS, "nvdspreprocess"),
        (bundles.YAML_PREPROCESS, "nvdspreprocess"),
        (bundles.APP, "deepstream-app"),
        (STREAMS, "deepstream-app"),
        (bundles.TRACKER, "tracker"),
        (bundles.TRITON, "nvinferserver"),
        *(
            (text, None)
            for text in (
                *(NVDSANALYTICS, NVDEWARPER, NVINFERAUDIO, NVDSPOSTPROCESS),
                *(OTHER_APPLICATION, SEVERAL_DETECTORS, PIPELINE, SOMEBODY_S_TOML),
                *("", "face\n", "import os\n", "# Title\n\n[property] of things\n", '{"property": {"onnx-file": "a"}}'),
            )
        ),
    ],
)
def test_the_content_tells_what_a_file_configures(text: str, role: str | None) -> None:
    config = read_config("any.name", text)
    assert (config.role if config else None) == role


@pytest.mark.parametrize("text", ["[property]\nonnx-file\n", "infer_config {", "property:\n  a: [\n"])
def test_a_file_that_its_element_cannot_read_is_told_from_one_that_is_about_something_else(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_config("any.name", text)


def test_yaml_about_something_else_is_not_even_read() -> None:
    assert read_config("any.name", "services:\n  a: [\n") is None
