"""Frames that a server on this machine reads out of shared memory instead of receiving them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from uuid import uuid4

import numpy as np

from batchproof.deploy.triton.client.faults import RefusedError, UnavailableError
from batchproof.deploy.triton.client.server_url import ServerUrl, is_this_machine
from batchproof.deploy.triton.client.transport.protocol import Region, Transport
from batchproof.errors import InputError
from batchproof.pipeline.picture import Pixels

PREFIX = "batchproof-"
"""What the names of our regions begin with, on the server and in the system."""

FIRST_SIZE = 1920 * 1080 * 3
"""Bytes of a region until a larger frame comes; what nobody writes to takes no memory."""

_OTHERWISE = "Send files or frames instead"
_PATIENCE, _BETWEEN_TRIES = 5.0, 0.1


class _Slot:
    """A region of our own, for one request at a time."""

    def __init__(self, size: int) -> None:
        name = f"{PREFIX}{os.getpid()}-{uuid4().hex}"  # unique: what a killed client left is nobody's hindrance
        try:
            self._memory = SharedMemory(name, create=True, size=size)
        except OSError as error:
            remedy = f"Free some, or ask for less at a time. {_OTHERWISE}"
            raise InputError(f"no {size} bytes of shared memory ({error.strerror})", remedy=remedy) from error
        self.region = Region(name, f"/{name}", size)
        self.registered = False

    def write(self, frames: Pixels) -> None:
        """Put the frames at the beginning."""
        np.ndarray(frames.shape, np.uint8, self._memory.buf)[:] = frames

    def free(self) -> None:
        """Give the memory back to the system."""
        self._memory.close()
        self._memory.unlink()


class RegionPool:
    """As many regions as there are requests at a time; they grow with the frames."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._slots: list[_Slot] = []
        self._free: asyncio.Queue[_Slot] = asyncio.Queue()
        self._known: set[str] = set()  # to the server, for all that we know

    @asynccontextmanager
    async def holding(self, frames: Pixels) -> AsyncIterator[str]:
        """Give the name of a region with these frames, once one is free, which is its own until the block ends."""
        slot = await self._free.get()
        try:
            if slot.region.size < frames.nbytes:
                slot = await self._replaced(slot, frames.nbytes)
            if not slot.registered:
                await self._register(slot)
            slot.write(frames)
            yield slot.region.name
        except UnavailableError:
            self._doubt_registrations()
            raise
        finally:
            self._free.put_nowait(slot)

    async def add(self) -> None:
        """Make one more region, and have the server map it."""
        slot = _Slot(FIRST_SIZE)
        self._slots.append(slot)
        await self._register(slot)
        self._free.put_nowait(slot)

    async def close(self) -> None:
        """Have the server forget all regions, as far as it still answers, and free them.

        It keeps those that a cancelled request still waits for, so it is asked for a while; what it then still has,
        the next client sees to.
        """
        end = time.monotonic() + _PATIENCE
        with suppress(UnavailableError):
            await self._forget()
            while self._known and time.monotonic() < end:
                await asyncio.sleep(_BETWEEN_TRIES)
                await self._forget()
        for slot in self._slots:
            slot.free()

    async def _register(self, slot: _Slot) -> None:
        self._known.add(slot.region.name)
        try:
            await self._transport.register(slot.region)
        except RefusedError:  # perhaps because it has it: who did not answer need not have been started anew
            if slot.region.name not in await self._transport.regions():
                raise
        slot.registered = True

    async def _replaced(self, slot: _Slot, size: int) -> _Slot:
        larger = _Slot(size)
        self._slots[self._slots.index(slot)] = larger
        slot.free()
        await self._forget_one(slot.region.name)
        return larger

    async def _forget(self) -> None:
        for name in sorted(self._known):
            await self._forget_one(name)

    async def _forget_one(self, name: str) -> None:
        with suppress(RefusedError):
            await self._transport.unregister(name)
            self._known.discard(name)

    def _doubt_registrations(self) -> None:
        """A server that has been started anew knows nothing of us."""
        for slot in self._slots:
            slot.registered = False


@asynccontextmanager
async def opened_pool(transport: Transport, url: ServerUrl, size: int) -> AsyncIterator[RegionPool]:
    """Make so many regions, have the server map them, and leave nothing behind.

    Raises `InputError` when the server is on another machine, or cannot see this machine's shared memory.
    """
    if not is_this_machine(url.host):
        raise InputError("shared memory reaches servers on this machine alone", where=str(url), remedy=_OTHERWISE)
    pool = RegionPool(transport)
    try:
        await _filled(pool, url, size)
        await _forget_dead(transport)
        try:
            yield pool
        finally:
            with suppress(UnavailableError):
                await _forget_dead(transport)  # those whose last requests had still been waiting
    finally:
        await pool.close()


async def _filled(pool: RegionPool, url: ServerUrl, size: int) -> None:
    try:
        for _ in range(size):
            await pool.add()
    except RefusedError as error:
        what = f"the server cannot map this machine's shared memory ({error.what})"
        remedy = f"Start its container with --ipc=host. {_OTHERWISE}"
        raise InputError(what, where=str(url), remedy=remedy) from error


async def _forget_dead(transport: Transport) -> None:
    """Have the server drop what killed clients left: a region of ours without a file has no client any more.

    Only behind `_filled`, which shows that server and client see the same shared memory.
    """
    for name, key in (await transport.regions()).items():
        if name.startswith(PREFIX) and not _exists(key):
            with suppress(RefusedError):  # still in use
                await transport.unregister(name)


def _exists(key: str) -> bool:
    """Whether the system has a region of this name; opening it as SharedMemory would claim it for this process."""
    return Path("/dev/shm", key.lstrip("/")).exists()  # noqa: S108 - where Linux shows them
