"""Runs the bundle's pipeline, and looks after it: pyservicemaker tells nobody of errors, and waits for ever."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emitted_bundle import EmittedBundle
from face_error import FAILED, FaceAppError
from face_pipeline import EMBEDDER, Layout, build

_TICK, _FAREWELL = 0.2, 10.0  # seconds: between looks at a running pipeline, and for it to end once told

Handler = Callable[[Any], bool]
"""Takes the metadata of a batch; says whether more are wanted."""


@dataclass
class Watch:
    """What a running pipeline and whoever waits for it know of each other."""

    handle: Handler
    last_sign: float = field(default_factory=time.monotonic)
    satisfied: bool = False
    failure: FaceAppError | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def take(self, batch: Any) -> None:
        """Handle one batch, on GStreamer's thread: an exception that left it would end the whole process."""
        self.last_sign = time.monotonic()
        if self.satisfied or self.failure:
            return
        try:
            self.satisfied = not self.handle(batch)
        except FaceAppError as error:
            self.failure = error
        except Exception as error:
            self.failure = FaceAppError(f"{type(error).__name__}: {error}", FAILED)

    def silence(self) -> float:
        """Seconds since the last batch."""
        return time.monotonic() - self.last_sign


def run(bundle: EmittedBundle, layout: Layout, handle: Handler, *, patience: float) -> None:
    """Run the pipeline until its sources end or `handle` has enough.

    Raises `FaceAppError` when it cannot be built, when `handle` fails, and after `patience` seconds without a frame:
    pyservicemaker tells nobody of errors in the pipeline, and waits for ever.
    """
    bundle.require_built()
    maker = service_maker()
    watch = Watch(handle)
    try:
        pipeline = build(maker, bundle, layout)
        pipeline.attach(EMBEDDER, maker.Probe("faces", _operator(maker, watch)))
        threading.Thread(target=_drive, args=(pipeline, watch), daemon=True).start()
        _wait(pipeline, watch, patience)
    except RuntimeError as error:  # what the bindings raise for an element that is not there
        raise FaceAppError(f"the pipeline cannot be built: {error}", FAILED) from error


def service_maker() -> Any:
    """Import pyservicemaker; raises `FaceAppError` where it is not installed."""
    try:
        return importlib.import_module("pyservicemaker")
    except ImportError as error:
        what = f"pyservicemaker cannot be imported ({error}): run this in the container of DeepStream 7.1 or later"
        raise FaceAppError(f"{what}; for earlier ones there is build/face_app") from error


def _operator(maker: Any, watch: Watch) -> Any:
    class Operator(maker.BatchMetadataOperator):  # type: ignore[misc]
        def handle_metadata(self, batch_meta: Any) -> None:
            watch.take(batch_meta)

    return Operator()


def _drive(pipeline: Any, watch: Watch) -> None:
    try:
        pipeline.start()
        pipeline.wait()
    except Exception as error:
        watch.failure = FaceAppError(f"the pipeline failed: {error}", FAILED)
    finally:
        watch.ended.set()


def _wait(pipeline: Any, watch: Watch, patience: float) -> None:
    """Look after a running pipeline from the main thread, where signals arrive."""
    while not watch.ended.wait(_TICK):
        if watch.satisfied or watch.failure:
            pipeline.stop()
            watch.ended.wait(_FAREWELL)
            break
        if watch.silence() > patience:
            what = f"no frame for {patience:g} seconds; what the pipeline says of it stands above"
            raise FaceAppError(f"{what} (--patience, if an engine is still being built)", FAILED)
    if watch.failure:
        raise watch.failure
