"""Batch sizes, and who waits for whom to fill them."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule
from batchproof.deploy.lint.proto_message import Message
from batchproof.deploy.lint.triton.config import Config, entries, flag, number, numbers
from batchproof.deploy.lint.triton.repository import Repositories
from batchproof.deploy.lint.triton.scalars import enum_name

_DELAY = "DELAY"


def _negative(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        if config.max_batch_size < 0:
            sentence = f"max_batch_size is {config.max_batch_size}: the server refuses a negative one"
            yield Fault(config.place("max_batch_size"), sentence, "Write 0 for a model without a batch axis")


def _preferred(read: Repositories) -> Iterator[Fault]:
    for config, batcher in _batchers(read):
        largest = max(config.max_batch_size, 0)
        wrong = [size for size in numbers(batcher, "preferred_batch_size") if not 0 < size <= largest]
        if wrong:
            sentence = f"preferred_batch_size has {wrong[0]}, max_batch_size is {largest}: the server refuses the model"
            remedy = f"Write 1 to {largest}, or leave it out" if largest else "Leave it out, or write max_batch_size"
            yield Fault(config.place("preferred_batch_size", batcher), sentence, remedy)


def _batchers(read: Repositories) -> Iterator[tuple[Config, Message]]:
    """Yield what has a preferred_batch_size."""
    for _, config in read.configs:
        sequences = config.message.message("sequence_batching")
        oldest = sequences.message("oldest") if sequences else None
        yield from ((config, found) for found in (config.message.message("dynamic_batching"), oldest) if found)


def _unbatched(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        batcher = config.message.message("dynamic_batching")
        if batcher and config.max_batch_size == 0 and not numbers(batcher, "preferred_batch_size"):
            sentence = "dynamic_batching of a model whose max_batch_size is 0: the server takes it, and batches nothing"
            yield Fault(
                config.place("dynamic_batching"), sentence, "Write max_batch_size, or leave dynamic_batching out"
            )


def _priorities(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        batcher = config.message.message("dynamic_batching")
        levels = number(batcher, "priority_levels") if batcher else 0
        if batcher is None or levels == 0:
            continue
        default = number(batcher, "default_priority_level")
        others = [int(key) for key, _ in entries(batcher, "priority_queue_policy") if key.isdecimal()]
        wrong = next((level for level in (default, *others) if not 1 <= level <= levels), None)
        if wrong is not None:
            sentence = f"level {wrong} is none of 1 to {levels}, the priority_levels: the server refuses the model"
            key = "priority_queue_policy" if 1 <= default <= levels else "default_priority_level"
            yield Fault(config.place(key, batcher), sentence, f"Write 1 to {levels}")


def _ordering(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        batcher = config.message.message("dynamic_batching")
        if batcher is None or not flag(batcher, "preserve_ordering"):
            continue
        reason = "several priority_levels" if number(batcher, "priority_levels") > 1 else ""
        reason = reason or ("a queue policy with timeout_action DELAY" if _delays(batcher) else "")
        if reason:
            sentence = f"preserve_ordering and {reason} exclude each other: the server refuses the model"
            yield Fault(config.place("preserve_ordering", batcher), sentence, "Leave one of them out")


def _delays(batcher: Message) -> bool:
    of_levels = (entry.message("value") for _, entry in entries(batcher, "priority_queue_policy"))
    policies = (policy for policy in (batcher.message("default_queue_policy"), *of_levels) if policy)
    return any(map(_is_delayed, policies))


def _is_delayed(policy: Message) -> bool:
    action = enum_name("ModelQueuePolicy.TimeoutAction", policy.text("timeout_action"))
    return action == _DELAY and number(policy, "default_timeout_microseconds") != 0


RULES = (
    Rule("batching.negative", "error", "A negative `max_batch_size`.", _negative),
    Rule("batching.preferred", "error", "A preferred size of 0, or over `max_batch_size`.", _preferred),
    Rule("batching.unbatched", "warning", "`dynamic_batching` with `max_batch_size` 0.", _unbatched),
    Rule("batching.priorities", "error", "A priority that is none of `priority_levels`.", _priorities),
    Rule("batching.ordering", "error", "`preserve_ordering` with priorities or delays.", _ordering),
)
