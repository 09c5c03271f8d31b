"""Asking again while a server is away, and no longer than that makes sense."""

from __future__ import annotations

import asyncio
from pathlib import Path

from batchproof.deploy.triton.client.faces_client import FacesClient
from batchproof.deploy.triton.client.faults import UnavailableError
from batchproof.deploy.triton.client.served_faces import ServedFaces

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0


class Insisting:
    """Asks up to `retries` times more when nobody answers, after pauses of 0.5, 1, 2, 4, then 8 seconds.

    Once all that was in vain and the server is not ready either, it is taken for gone: what is asked then fails at
    once, so that a thousand pictures do not wait for it one by one.
    """

    def __init__(self, client: FacesClient, retries: int) -> None:
        self._client, self._retries = client, retries
        self._gone: UnavailableError | None = None

    async def faces_of(self, picture: Path) -> ServedFaces:
        """Find the faces of a picture; raises what `FacesClient.faces_of` raises."""
        for attempt in range(self._retries):
            self._require_hope()
            try:
                return await self._client.faces_of(picture)
            except UnavailableError:
                await asyncio.sleep(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE))
        self._require_hope()
        try:
            return await self._client.faces_of(picture)
        except UnavailableError as error:
            if not await self._client.is_ready():
                self._gone = error
            raise

    def _require_hope(self) -> None:
        if self._gone is not None:
            raise UnavailableError(f"not asked, the server has gone: {self._gone.what}", where=self._gone.where)
