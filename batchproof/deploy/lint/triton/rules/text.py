"""What the server's parser refuses: it logs `Poll failed` and goes on as if the model were not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from batchproof.deploy.lint.document import Place
from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.proto_message import Message
from batchproof.deploy.lint.triton.config import entries
from batchproof.deploy.lint.triton.fields import ROOT, messages
from batchproof.deploy.lint.triton.repository import Repositories
from batchproof.deploy.lint.triton.schema import Kind

_REFUSED = "the server cannot parse the file, logs it once, and goes on without the model"


def _unreadable(read: Repositories) -> Iterator[Fault]:
    yield from read.unreadable


def _violations(kind: Kind) -> Callable[[Repositories], Iterator[Fault]]:
    def check(read: Repositories) -> Iterator[Fault]:
        for path, violation in read.violations:
            if violation.kind == kind:
                place = Place(path, violation.line, violation.key)
                yield Fault(place, f"{violation.what}: {_REFUSED}", violation.remedy)

    return check


def _key_twice(read: Repositories) -> Iterator[Fault]:
    for _, config in read.configs:
        for field, key, message in _repeated_keys(config.message, ROOT):
            sentence = f"{field} has {quoted(key)} twice: the server keeps the last one and says nothing"
            yield Fault(Place(config.path, message.line, field), sentence, "Keep one of them")


def _repeated_keys(message: Message, name: str) -> Iterator[tuple[str, str, Message]]:
    """Yield every entry of a map whose key came before, with the name of the map."""
    for field, known in messages()[name].items():
        if known.is_map:
            seen: set[str] = set()
            for key, entry in entries(message, field):
                if key in seen:
                    yield field, key, entry
                seen.add(key)
        if known.kind in messages():
            for inner in message.messages(field):
                yield from _repeated_keys(inner, known.kind)


RULES = (
    Rule("text.unreadable", "error", "A config.pbtxt that is no protobuf text.", _unreadable),
    Rule("text.unknown_field", "error", "A field that the message does not have.", _violations("unknown_field")),
    Rule("text.unknown_value", "error", "No name of the enumeration.", _violations("unknown_value")),
    Rule("text.wrong_type", "error", "A value of another type than its field.", _violations("wrong_type")),
    Rule(
        "text.given_twice",
        "error",
        "A field that is there twice, or as a list, and may not.",
        _violations("given_twice"),
    ),
    Rule("text.one_of", "error", "Two fields that exclude each other.", _violations("one_of")),
    Rule("text.key_twice", "warning", "A key of a map, of parameters for example, that is there twice.", _key_twice),
)
