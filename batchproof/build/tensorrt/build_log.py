"""What Polygraphy and TensorRT say during a build: their exceptions only refer to this log."""

from __future__ import annotations

import logging
import re

# The layer carries the name of its ONNX node, sometimes with a number behind it.
_WITHOUT_RUNNER = re.compile(r"(\S+) has no runners that implement it")
# "[W] " of Polygraphy, then "WARNING " of the parser.
_MARKS = re.compile(r"^(\[[EW!]\]\s*)+")
_MOST_WARNINGS = 5


class BuildLog(logging.Handler):
    """Collects errors and warnings, each on one line."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.errors: list[str] = []
        self._warnings: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message; called by `logging`."""
        message = " ".join(_MARKS.sub("", record.getMessage()).split())
        if record.levelno >= logging.ERROR:
            self.errors.append(message)
        else:
            self._warnings[message] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """The first few different warnings, and how many more there were."""
        found = list(self._warnings)
        more = [f"and {len(found) - _MOST_WARNINGS} more"] if len(found) > _MOST_WARNINGS else []
        return (*found[:_MOST_WARNINGS], *more)

    def sentence(self, otherwise: str) -> str:
        """The parser's summary, which names the node, or the builder's, which names the layer; else the first error."""
        of_nodes = [message for message in self.errors if message.startswith("In node")]
        of_layers = [found for found in map(_WITHOUT_RUNNER.search, self.errors) if found]
        if of_layers and not of_nodes:
            return f"layer '{of_layers[0][1]}' has no implementation in this TensorRT"
        return (of_nodes or self.errors or [otherwise])[0]


def collecting() -> BuildLog:
    """Send what Polygraphy logs, TensorRT's messages among it, to a new log; once in a process."""
    from polygraphy.logger import G_LOGGER

    log = BuildLog()
    G_LOGGER.use_python_logging_system = True
    logging.getLogger("Polygraphy").addHandler(log)
    return log
