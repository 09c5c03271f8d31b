"""Instances: how many, on which device, with which profile of an engine."""

from __future__ import annotations

from collections.abc import Iterator

from batchproof.deploy.lint.finding import Fault, Rule, quoted
from batchproof.deploy.lint.proto_message import Message
from batchproof.deploy.lint.triton.config import Config, number
from batchproof.deploy.lint.triton.repository import Model, Repositories, is_ensemble
from batchproof.deploy.lint.triton.scalars import as_integer, enum_name

_KIND = "ModelInstanceGroup.Kind"


def _groups(read: Repositories) -> Iterator[tuple[Model, Config, Message]]:
    for model, config in read.configs:
        if not is_ensemble(config):
            yield from ((model, config, group) for group in config.message.messages("instance_group"))


def _kind(group: Message) -> str:
    return enum_name(_KIND, group.text("kind", "KIND_AUTO"))


def _count(read: Repositories) -> Iterator[Fault]:
    for _, config, group in _groups(read):
        if group.has("count") and number(group, "count") < 1:
            sentence = f"count is {group.text('count')}: the server starts its default number of instances, and says"
            yield Fault(config.place("count", group), f"{sentence} nothing", "Write how many you want, or leave it out")


def _cpu_plan(read: Repositories) -> Iterator[Fault]:
    for model, config, group in _groups(read):
        # An alternative is for a machine with another backend of that name.
        if model.backend(config) == "tensorrt" and _kind(group) == "KIND_CPU" and not config.is_alternative:
            sentence = "KIND_CPU for a TensorRT plan, which runs on GPUs alone: the backend refuses the model"
            yield Fault(config.place("kind", group), sentence, "Write kind: KIND_GPU")


def _gpus(read: Repositories) -> Iterator[Fault]:
    for _, config, group in _groups(read):
        if group.has("gpus") and _kind(group) in ("KIND_CPU", "KIND_MODEL"):
            sentence = f"{_kind(group)} with gpus: the server refuses the model"
            yield Fault(config.place("gpus", group), sentence, "Leave gpus out, or write kind: KIND_GPU")


def _profile(read: Repositories) -> Iterator[Fault]:
    for model, config, group in _groups(read):
        for profile in group.texts("profile"):
            if wrong := _wrong_profile(model, config, profile):
                yield Fault(config.place("profile", group), f"profile is {quoted(profile)}, {wrong[0]}", wrong[1])


def _wrong_profile(model: Model, config: Config, profile: str) -> tuple[str, str] | None:
    """Say why a profile is refused, and what to do."""
    if model.backend(config) not in ("tensorrt", ""):
        return "and only TensorRT has profiles: the server refuses the model", "Leave it out"
    index = as_integer(profile)
    if index is None or index < 0:
        return "which is not the number of one: the server refuses the model", 'Write "0" for the first'
    if model.engine and index >= model.engine.profiles:
        count = model.engine.profiles
        return f"and the engine has {count}: the backend refuses the model", f'Write "0" to "{count - 1}"'
    return None


RULES = (
    Rule("instances.count", "warning", "A `count` of 0, or less.", _count),
    Rule("instances.cpu_plan", "error", "A TensorRT plan on the CPU.", _cpu_plan),
    Rule("instances.gpus", "error", "`gpus` for instances that are not on one.", _gpus),
    Rule("instances.profile", "error", "A profile that is none of the engine's.", _profile),
)
