"""A stand-in for pyservicemaker, which only DeepStream's machines have: what the applications use of it, no more.

It behaves as the sources of its bindings at DeepStream 9.1 say: it prints to stdout, wraps metadata anew whenever it is
asked for, gives iterators that end, says that every tensor is on a GPU, tells nobody of errors, and takes all memory
back once a batch has been handled. What flows through a pipeline is what `Pipeline.play` yields.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

UNTRACKED = 2**64 - 1
EMBEDDER_ID, OUTPUT = 2, "embedding"
ELEMENTS = (
    *("nvurisrcbin", "nvstreammux", "nvinfer", "nvtracker", "nvdspreprocess", "fakesink"),
    *("nvmultistreamtiler", "nvvideoconvert", "nvdsosd", "nveglglessink", "nv3dsink"),
)


@dataclass
class Face:
    """What a test says of an object. `embedding` hangs on its region, or on itself where `on_object`."""

    rect: tuple[float, float, float, float] = (10, 20, 30, 40)
    confidence: float = 0.75
    object_id: int = UNTRACKED
    class_id: int = 0
    mask: NDArray[np.float32] | None = None
    embedding: NDArray[np.floating[Any]] | None = None
    on_object: bool = False
    embedder_id: int = EMBEDDER_ID
    output: str = OUTPUT


@dataclass
class Frame:
    """What a test says of a frame."""

    faces: list[Face] = field(default_factory=list)
    source_id: int = 0
    frame_number: int = 0
    buffer_pts: int = 0
    pipeline_width: int = 640
    pipeline_height: int = 480
    displayed: list[Display] = field(default_factory=list)


class Display:
    """Takes up to 16 of a kind, as NvDsDisplayMeta."""

    def __init__(self) -> None:
        self.circles: list[Any] = []
        self.texts: list[Any] = []

    def add_circle(self, circle: Any) -> None:
        assert len(self.circles) < 16
        self.circles.append(circle)

    def add_text(self, text: Any) -> None:
        assert isinstance(text.display_text, bytes)
        self.texts.append(text)


class Tensor:
    """On the host, and yet it names a GPU, as the bindings do."""

    def __init__(self, values: NDArray[np.floating[Any]]) -> None:
        self._values = values

    def __dlpack__(self, stream: object = None) -> object:
        return self._values.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0


class TensorOutput:
    def __init__(self, face: Face, values: NDArray[np.floating[Any]]) -> None:
        self._face, self._values = face, values
        self.unique_id = face.embedder_id

    def get_layers(self) -> dict[str, Tensor]:
        return {self._face.output: Tensor(self._values)}


class UserMetadata:
    def __init__(self, content: object) -> None:
        self._content = content

    def as_tensor_output(self) -> object:
        return self._content if isinstance(self._content, TensorOutput) else None

    def as_preprocess_batch(self) -> object:
        return self._content if isinstance(self._content, PreprocessBatch) else None


class ObjectMetadata:
    def __init__(self, face: Face, memory: Memory) -> None:
        self._face, self._memory = face, memory
        self.class_id, self.object_id, self.confidence = face.class_id, face.object_id, face.confidence
        left, top, width, height = map(float, np.array(face.rect, np.float32))
        self.rect_params = SimpleNamespace(left=left, top=top, width=width, height=height)

    @property
    def mask_params(self) -> object:
        mask = self._face.mask
        return SimpleNamespace(mask_array=np.empty(0, np.float32) if mask is None else mask.copy(), threshold=0.0)

    @property
    def tensor_items(self) -> Iterator[UserMetadata]:
        return self._memory.outputs(self._face, on_object=True)


class RoiMetadata:
    def __init__(self, frame: FrameMetadata, face: Face, memory: Memory) -> None:
        self._frame, self._face, self._memory = frame, face, memory

    @property
    def frame_meta(self) -> FrameMetadata:
        return self._frame.again()

    @property
    def object_meta(self) -> ObjectMetadata:
        return ObjectMetadata(self._face, self._memory)

    @property
    def tensor_items(self) -> Iterator[UserMetadata]:
        return self._memory.outputs(self._face, on_object=False)


@dataclass
class PreprocessBatch:
    rois: list[RoiMetadata]


class FrameMetadata:
    def __init__(self, frame: Frame, batch_id: int, memory: Memory) -> None:
        self._frame, self.batch_id, self._memory = frame, batch_id, memory
        self.source_id, self.frame_number, self.buffer_pts = frame.source_id, frame.frame_number, frame.buffer_pts
        self.pipeline_width, self.pipeline_height = frame.pipeline_width, frame.pipeline_height

    def again(self) -> FrameMetadata:
        return FrameMetadata(self._frame, self.batch_id, self._memory)

    @property
    def object_items(self) -> Iterator[ObjectMetadata]:
        return iter([ObjectMetadata(face, self._memory) for face in self._frame.faces])

    def append(self, display: Display) -> None:
        self._frame.displayed.append(display)


class Memory:
    """The buffers of nvinfer; after `reclaim` they hold what comes next."""

    def __init__(self) -> None:
        self._lent: list[NDArray[np.floating[Any]]] = []

    def outputs(self, face: Face, *, on_object: bool) -> Iterator[UserMetadata]:
        if face.embedding is None or face.on_object != on_object:
            return iter([])
        values = face.embedding.copy()
        self._lent.append(values)
        foreign = TensorOutput(Face(embedder_id=99), np.full(3, 7, np.float32))
        return iter([UserMetadata(foreign), UserMetadata(TensorOutput(face, values))])

    def reclaim(self) -> None:
        for values in self._lent:
            values.fill(np.nan)


class BatchMetadata:
    """The metadata of `frames`, with the regions of their faces in batches of three, as nvdspreprocess splits them."""

    def __init__(self, *frames: Frame) -> None:
        self._frames, self.memory = frames, Memory()

    @property
    def frame_items(self) -> Iterator[FrameMetadata]:
        return iter([FrameMetadata(frame, index, self.memory) for index, frame in enumerate(self._frames)])

    @property
    def preprocess_batch_items(self) -> Iterator[UserMetadata]:
        regions = [
            RoiMetadata(FrameMetadata(frame, index, self.memory), face, self.memory)
            for index, frame in enumerate(self._frames)
            for face in frame.faces
            if face.embedding is not None and not face.on_object
        ]
        parts = [PreprocessBatch(regions[start : start + 3]) for start in range(0, len(regions), 3)]
        return iter([UserMetadata("something else"), *(UserMetadata(part) for part in parts)])

    def acquire_display_meta(self) -> Display:
        return Display()


class BatchMetadataOperator:
    def handle_metadata(self, batch_meta: BatchMetadata) -> None:
        raise NotImplementedError


@dataclass
class Probe:
    name: str
    operator: BatchMetadataOperator


class Pipeline:
    """Records what is built; `play` says what its probe sees. `seen` are all pipelines of a test."""

    play: ClassVar[Callable[[Pipeline], Iterable[BatchMetadata]]]
    seen: ClassVar[list[Pipeline]] = []

    def __init__(self, name: str) -> None:
        self.elements: dict[str, tuple[str, dict[str, Any]]] = {}
        self.links: list[tuple[str, str]] = []
        self.probe: tuple[str, Probe] | None = None
        self.stopped = threading.Event()
        self._thread: threading.Thread | None = None
        Pipeline.seen.append(self)

    def add(self, type_name: str, name: str, properties: dict[str, Any] | None = None) -> Pipeline:
        os.write(1, f"Add Element ... {name}\n".encode())
        if type_name not in ELEMENTS:
            raise RuntimeError("Element creation failed")
        assert all(type(value) in (str, int, bool, float) for value in (properties or {}).values())
        self.elements[name] = (type_name, properties or {})
        return self

    def link(self, *names: Any) -> Pipeline:
        if isinstance(names[0], tuple):
            (source, sink), pads = names
            assert pads == ("", "sink_%u")
            names = (source, sink)
        for pair in pairwise(names):
            assert set(pair) <= set(self.elements)
            self.links.append(pair)
        return self

    def attach(self, target: str, what: Probe) -> Pipeline:
        assert target in self.elements
        self.probe = (target, what)
        return self

    def start(self) -> Pipeline:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def wait(self) -> None:
        assert self._thread is not None
        self._thread.join()

    def stop(self) -> Pipeline:
        self.stopped.set()
        return self

    def uris(self) -> list[str]:
        """Return the sources in the order of the mux's pads."""
        sources = [source for source, sink in self.links if sink == "mux"]
        return [self.elements[source][1]["uri"] for source in sources]

    def chain(self) -> list[str]:
        """Return the kinds of elements from the mux to the end."""
        after = dict(pair for pair in self.links if pair[1] != "mux")
        name, kinds = "mux", []
        while name:
            kinds.append(self.elements[name][0])
            name = after.get(name, "")
        return kinds

    def _run(self) -> None:
        assert self.probe is not None
        for batch in type(self).play(self):
            if self.stopped.is_set():
                break
            self.probe[1].operator.handle_metadata(batch)
            batch.memory.reclaim()


osd = SimpleNamespace(
    Circle=SimpleNamespace,
    Text=lambda: SimpleNamespace(font=SimpleNamespace()),
    Color=lambda *levels: levels,
    FontFamily=SimpleNamespace(Serif=0),
)
