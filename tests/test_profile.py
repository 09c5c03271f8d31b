import pytest

from batchproof.errors import InputError
from batchproof.profile import EngineProfiles, Profile, Shapes
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
        ("16,1", "profile 16,1,1 is not minimum <= optimum <= maximum"),
        ("1,2,3,4", "profile '1,2,3,4' has 4 batch sizes, expected 1 to 3"),
        ("1,16,5000", "batch 5000 is more than 4096"),
        ("8@", "'' is no image size"),
        ("8@640", "'640' is no image size"),
        ("8@32x32,32x32,32x32,32x32", "profile '8@32x32,32x32,32x32,32x32' has 4 image sizes, expected 1 to 3"),
        ("8@64x64,32x32", "profile 1,8,8@64x64,32x32,32x32: heights and widths are not smallest <= optimum <= largest"),
        ("8@32x64,64x32,64x64", "heights and widths are not smallest <= optimum <= largest"),
        ("8@32x32,64x64,9000x64", "image size 9000x64 is more than 8192"),
        ("", "'' in profile '' is no whole number"),
        ("1,many,32", "'many' in profile '1,many,32' is no whole number"),
        ("1.5", "'1.5' in profile '1.5' is no whole number"),
    ],
)
def test_refused_texts_are_quoted(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Profile.parse(text)
    assert sentence in caught.value.line()
    assert caught.value.remedy


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


def test_two_numbers_are_tuned_for_the_larger() -> None:
    assert Profile.parse("2,8") == Profile(2, 8, 8)


def test_a_size_of_its_own_stands_before_the_given_one() -> None:
    assert Profile.parse("1,8@480x640", height=320, width=320) == Profile(1, 8, 8, 480, 640)
    assert Profile.parse("1,8", height=320, width=352) == Profile(1, 8, 8, 320, 352)


def test_a_range_of_sizes() -> None:
    profile = Profile.parse("1,16,32@320x320, 640x640,960x1280")
    assert profile == Profile(1, 16, 32, 640, 640, (320, 320), (960, 1280))
    assert profile.sizes == ((320, 320), (640, 640), (960, 1280))
    assert Profile.parse("8@320x320,960x960") == Profile(1, 8, 8, 960, 960, (320, 320), (960, 960))
    assert Profile.parse("8@64x64,64x64,64x64") == Profile(1, 8, 8, 64, 64)


@pytest.mark.parametrize("text", ["1,16,32@320x320,640x640,960x960", "1,8,8@480x640", "1,1,1@64x64+1,16,32@64x64"])
def test_the_text_can_be_read_again(text: str) -> None:
    assert EngineProfiles.parse(text).text == text


def test_shapes_of_a_range_take_each_size_with_its_batch() -> None:
    profile, spec = Profile.parse("1,4,8@320x320,640x640,960x960"), families.scrfd()
    assert profile.input_shapes(spec) == Shapes((1, 3, 320, 320), (4, 3, 640, 640), (8, 3, 960, 960))
    boxes = next(output for output in spec.outputs if output.name == "bbox_32")
    assert profile.output_shapes(spec, boxes) == Shapes((1, 200, 4), (4, 800, 4), (8, 1800, 4))
    assert profile.input_shapes(families.arcface()).minimum == (1, 3, 112, 112)


@pytest.mark.parametrize("sizes", ["300x320,640x640,960x960", "320x320,640x600,960x960", "320x320,640x640,970x960"])
def test_every_size_of_a_range_must_be_a_multiple(sizes: str) -> None:
    with pytest.raises(InputError, match="is no multiple of 32"):
        Profile.parse(f"8@{sizes}").input_shapes(families.scrfd())


def test_profiles_of_one_engine() -> None:
    profiles = EngineProfiles.parse("1+1,16,32@320x320", height=480, width=640)
    assert list(profiles) == [Profile(1, 1, 1, 480, 640), Profile(1, 16, 32, 320, 320)]
    assert len(profiles) == 2
    assert str(profiles) == "N=1..1..1 + N=1..16..32"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1+1,1,1", "profile 1,1,1@640x640 is there twice"),
        ("1+", "'' in profile '' is no whole number"),
        ("1+8,4,2", "profile 8,4,2 is not minimum <= optimum <= maximum"),
    ],
)
def test_refused_profiles_of_one_engine(text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        EngineProfiles.parse(text)
    assert sentence in caught.value.line()


def test_no_profile_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="accepts nothing"):
        EngineProfiles(())


def test_overall_is_around_all_and_tuned_like_the_largest() -> None:
    assert EngineProfiles.parse("2,8,16+4,32,64+1").overall == Profile(1, 32, 64)
    ranges = EngineProfiles.parse("1@320x960+4,8,16@640x640,960x640")
    assert ranges.overall == Profile(1, 8, 16, 960, 640, (320, 640), (960, 960))


@pytest.mark.parametrize(
    ("text", "detector", "embedder"),
    [
        ("1+1,16,32", "b1-1-1+b1-16-32_640x640", "b1-1-1+b1-16-32"),
        ("8@320x320,640x640,960x960", "b1-8-8_320x320-640x640-960x960", "b1-8-8"),
        ("8@320x320,640x640", "b1-8-8_320x320-640x640-640x640", "b1-8-8"),
        ("1@320x320+8", "b1-1-1_320x320+b1-8-8_640x640", "b1-1-1+b1-8-8"),
    ],
)
def test_tags_name_sizes_where_the_model_s_is_free(text: str, detector: str, embedder: str) -> None:
    assert EngineProfiles.parse(text).tag(families.scrfd()) == detector
    assert EngineProfiles.parse(text).tag(families.arcface()) == embedder


def test_tags_tell_ranges_apart_that_are_tuned_for_one_end_or_the_other() -> None:
    tags = {EngineProfiles.parse(f"8@32x32,{size},64x64").tag(families.scrfd()) for size in ("32x32", "64x64")}
    assert len(tags) == 2


def test_sizes_make_no_difference_to_a_model_whose_own_is_fixed() -> None:
    profiles = EngineProfiles.parse("8@320x320+8@640x640+1")
    assert profiles.distinct(families.arcface()).tag(families.arcface()) == "b1-8-8+b1-1-1"
    assert profiles.distinct(families.scrfd()) == profiles
