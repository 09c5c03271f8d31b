from __future__ import annotations

import pytest

from batchproof.report.plain_text import plain_text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("det_10g, 640x640: öäü 人脸", "det_10g, 640x640: öäü 人脸"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\x1b[31mred\x00", "\\x1b[31mred\\x00"),
        ("a\u2028b\u202ec\ufffe", "a\\u2028b\\u202ec\\ufffe"),
        ("\udcff\ud800", "\\udcff\\ud800"),
    ],
)
def test_what_cannot_be_printed_becomes_an_escape(text: str, plain: str) -> None:
    assert plain_text(text) == plain
    plain_text(text).encode()
