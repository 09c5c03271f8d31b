import pytest

from batchproof.errors import InputError
from batchproof.profile_text import read_batches, read_size, read_sizes


@pytest.mark.parametrize(
    ("text", "batches"),
    [("8", (1, 8, 8)), ("0", (0, 0, 0)), ("2,8", (2, 8, 8)), ("1, 16,32", (1, 16, 32)), ("4,4,4", (4, 4, 4))],
)
def test_batches(text: str, batches: tuple[int, int, int]) -> None:
    assert read_batches(text, text) == batches


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("640x480", ((640, 480), (640, 480), (640, 480))),
        ("32x64,96x128", ((32, 64), (96, 128), (96, 128))),
        ("32X64, 64x64,96x128", ((32, 64), (64, 64), (96, 128))),
    ],
)
def test_sizes(text: str, sizes: tuple[tuple[int, int], ...]) -> None:
    assert read_sizes(text, text) == sizes


@pytest.mark.parametrize("text", ["640", "640x", "0x32", "640x²", "640x\u0663\u0662", "640x640x3", "123456x32", "-1x3"])
def test_what_is_no_size_is_quoted(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_size(text)
    assert caught.value.what == f"'{text}' is no image size"


def test_the_whole_text_is_blamed() -> None:
    with pytest.raises(InputError, match="'x' in profile '1,x@32x32' is no whole number"):
        read_batches("1,x", "1,x@32x32")
