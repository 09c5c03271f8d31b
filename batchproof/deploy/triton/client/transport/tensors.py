"""Between our inputs and outputs and tritonclient's, which both ways share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchproof.deploy.triton.client.faults import UnreadableAnswerError
from batchproof.deploy.triton.client.server_url import ServerUrl
from batchproof.deploy.triton.client.transport.protocol import Array, Input


def tensor(make: Callable[[str, list[int], str], Any], given: Input) -> Any:
    """Make tritonclient's input of ours; `make` is its class."""
    made = make(given.name, list(given.data.shape), given.data_type)
    if given.region is None:
        made.set_data_from_numpy(given.data)
    else:
        made.set_shared_memory(given.region, given.data.nbytes)
    return made


def arrays(result: Any, wanted: Sequence[str], url: ServerUrl) -> Mapping[str, Array]:
    """Take the outputs out of an answer; raises `UnreadableAnswerError` when one is missing or not as it says."""
    return {name: _array(result, name, url) for name in wanted}


def _array(result: Any, name: str, url: ServerUrl) -> Array:
    try:
        found: Array | None = result.as_numpy(name)
    except (ValueError, TypeError) as error:  # as of a Python backend with numpy 2: the shape is there, the data not
        what = f"output {name} does not hold what its shape says ({error})"
        raise UnreadableAnswerError(what, where=str(url), remedy="Serve with numpy below 2") from error
    if found is None:
        raise UnreadableAnswerError(f"the answer has no output {name}", where=str(url))
    return found
