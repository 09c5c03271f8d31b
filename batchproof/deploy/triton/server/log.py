"""What of a server's log says why it did not start."""

from __future__ import annotations

import re

# E1128 04:00:00.000000 123 model_lifecycle.cc:642] "failed to load 'faces' version 1: Internal: ..."
_HEAD = re.compile(r"^[EWI]\d{4} \S+ \d+ \S+\] ?")
# What Python models add to their sentence: `\n\nAt:\n  model.py(64): initialize`, the line breaks written like this.
_TRACE = re.compile(r"(\\n)*At:\\n.*")
_TELLING = re.compile(r"failed to load (model )?'|Poll failed|Error parsing|Address already in use|UNAVAILABLE")
_LAST_LINES = 3


def reason(log: str) -> str:
    """Return the sentences of a log that name a cause; the last lines when none does."""
    lines = [_TRACE.sub("", _HEAD.sub("", line).strip('" ')) for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return "; ".join(dict.fromkeys(telling)) or "; ".join(lines[-_LAST_LINES:]) or "its log is empty"
