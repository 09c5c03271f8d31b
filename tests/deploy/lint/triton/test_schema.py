"""Our reader against the official one: what it takes, we take; what it refuses, we refuse."""

from __future__ import annotations

import random

import pytest

from batchproof.deploy.lint.document import UnreadableError
from batchproof.deploy.lint.proto_message import read_message
from batchproof.deploy.lint.triton.schema import violations
from tests.deploy.lint.triton.broken import TEXT
from tests.deploy.lint.triton.repositories import ARCFACE, CUT, EMBED, FACES, PLAN, REHEARSAL, SCRFD

pb = pytest.importorskip("tritonclient.grpc.model_config_pb2", reason="tritonclient is in the extra triton")
text_format = pytest.importorskip("google.protobuf.text_format")
GOOD = (SCRFD, ARCFACE, PLAN, REHEARSAL, CUT, EMBED, FACES)
WORDS = (
    *"{}[]<>:,;\"'-.#0x\n",
    *("1.5", "1e5", "0x10", "-1", "true", "name", "dims", '"a"', "optional", "input {", "TYPE_FP32", "KIND_GPU"),
)


def ours(text: str) -> str | None:
    """Why our reader refuses a text; None when it takes it."""
    try:
        found = next(violations(read_message(text)), None)
    except UnreadableError as error:
        return str(error)
    return None if found is None else found.what


def theirs(text: str) -> str | None:
    """Why the official reader refuses a text; None when it takes it."""
    try:
        text_format.Parse(text, pb.ModelConfig())
    except text_format.ParseError as error:
        return str(error)
    return None


def is_known(mine: str | None, official: str | None) -> bool:
    """Tell the differences between Python's reader, which this is, and that of C++, which the server has and we follow.

    Python's takes escapes that are none, and refuses a blank behind a minus and octal numbers of enumerations.
    """
    lenient = mine is not None and mine.startswith("has ") and "where a field is expected" in mine
    blank, octal = official is not None and "integer: -" in official, "has no value named 0" in (official or "")
    return lenient or blank or octal


def mutated(text: str, seed: random.Random) -> str:
    for _ in range(seed.choice((1, 1, 2))):
        start, length = seed.randrange(len(text)), seed.choice((0, 0, 1, 3, 8))
        text = text[:start] + seed.choice((seed.choice(WORDS), "")) + text[start + length :]
    return text


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_is_taken_by_both(text: str) -> None:
    assert (ours(text), theirs(text)) == (None, None)


def test_mutants_are_taken_or_refused_by_both() -> None:
    seed = random.Random(8)
    texts = [mutated(seed.choice(GOOD), seed) for _ in range(6000)]
    answers = [(ours(text), theirs(text), text) for text in texts]
    apart = [one for one in answers if (one[0] is None) != (one[1] is None) and not is_known(*one[:2])]
    assert apart == []
    assert len([one for one in answers if one[0]]) > 2000
    assert len([one for one in answers if not one[0]]) > 1000


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("max_batch_size: 2147483648", "wrong_type"),
        ("version_policy { latest { num_versions: -1 } }", "wrong_type"),
        ('max_batch_size: "4"', "wrong_type"),
        ("max_batch_size: 08", "wrong_type"),
        ("name: cut", "wrong_type"),
        ("name { }", "wrong_type"),
        ("input: 4", "wrong_type"),
        ("input { optional: yes }", "wrong_type"),
        ('input { data_type: "TYPE_FP32" }', "wrong_type"),
        ("sequence_batching { direct { minimum_slot_utilization: much } }", "wrong_type"),
        ("input { data_type: FP32 }", "unknown_value"),
        ("input { dim: 4 }", "unknown_field"),
        ("input { dim: [] }", "unknown_field"),
        ("name: []", "given_twice"),
        ('parameters { key: "a" value: { text: "b" } }', "unknown_field"),
        ("dynamic_batching { } dynamic_batching { }", "given_twice"),
        ("version_policy { all { } latest { } }", "one_of"),
    ],
)
def test_each_violation_has_a_name_and_is_refused_by_both(text: str, kind: str) -> None:
    assert [one.kind for one in violations(read_message(text))] == [kind]
    assert theirs(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "max_batch_size: 0x10",
        "max_batch_size: 017",
        "input { optional: t dims: [ ] data_type: 11 }",
        "sequence_batching { direct { minimum_slot_utilization: .5f } }",
        "sequence_batching { direct { minimum_slot_utilization: inf } }",
        "instance_group { kind: 77 }",
    ],
)
def test_other_ways_to_write_values_are_taken_by_both(text: str) -> None:
    assert (ours(text), theirs(text)) == (None, None)


def test_the_cases_about_texts_are_about_texts() -> None:
    assert {case.rule.partition(".")[0] for case in TEXT} == {"text"}
