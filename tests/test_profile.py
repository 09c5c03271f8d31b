import pytest

from batchproof.errors import InputError
from batchproof.profile import Profile, Shapes
from batchproof.zoo import families


def test_three_numbers() -> None:
    assert Profile.parse("1, 16,32") == Profile(1, 16, 32, 640, 640)


def test_one_number_is_tuned_for_full_batches_and_accepts_the_last_incomplete_one() -> None:
    assert Profile.parse("8") == Profile(1, 8, 8)


def test_batches_are_distinct_and_ascending() -> None:
    assert Profile.parse("8").batches == (1, 8)
    assert Profile.parse("4,4,4").batches == (4,)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0", "batch 0 in profile 0,0,0 is below 1"),
        ("0,1,2", "batch 0 in profile 0,1,2 is below 1"),
        ("-4", "batch -4 in profile -4,-4,-4 is below 1"),
        ("1,32,16", "profile 1,32,16 is not minimum <= optimum <= maximum"),
        ("8,4,16", "profile 8,4,16 is not minimum <= optimum <= maximum"),
        ("1,16", "profile '1,16' has 2 numbers, expected 1 or 3"),
        ("1,2,3,4", "has 4 numbers"),
        ("", "'' in profile '' is no whole number"),
        ("1,many,32", "'many' in profile '1,many,32' is no whole number"),
        ("1.5", "'1.5' in profile '1.5' is no whole number"),
    ],
)
def test_refused_texts_are_quoted(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Profile.parse(text)
    assert sentence in caught.value.line()
    assert "1,16,32" in caught.value.line()


def test_detector_shapes_take_the_size_of_the_profile() -> None:
    profile, spec = Profile(1, 4, 8, height=448, width=640), families.scrfd()
    assert profile.input_shapes(spec) == Shapes((1, 3, 448, 640), (4, 3, 448, 640), (8, 3, 448, 640))
    boxes = next(output for output in spec.outputs if output.name == "bbox_32")
    assert profile.output_shapes(spec, boxes) == Shapes((1, 560, 4), (4, 560, 4), (8, 560, 4))


def test_embedder_shapes_keep_the_size_of_the_model() -> None:
    profile, spec = Profile(1, 4, 8, height=123, width=45), families.arcface()
    assert profile.input_shapes(spec).maximum == (8, 3, 112, 112)
    assert profile.output_shapes(spec, spec.outputs[0]).maximum == (8, 512)


def test_a_size_that_is_no_multiple_of_the_stride_is_refused_with_the_next_that_is() -> None:
    with pytest.raises(InputError) as caught:
        Profile(height=600, width=640).input_shapes(families.scrfd())
    assert "600x640 is no multiple of 32" in caught.value.line()
    assert "Use 608x640" in caught.value.line()


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="0x640 is not positive"):
        Profile(height=0)
