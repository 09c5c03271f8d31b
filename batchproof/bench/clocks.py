"""Clocks, power and temperature before and after a measurement, where this machine lets them be read."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import with_config

from batchproof.bench.figures import WRITTEN

_SECONDS = 5
_NOT_READABLE = "not readable"
_RAPL = "sys/class/powercap/intel-rapl:0"
_GPU_FIELDS = {
    "GPU clock (MHz)": "clocks.sm",
    "GPU memory clock (MHz)": "clocks.mem",
    "GPU power (W)": "power.draw",
    "GPU temperature (°C)": "temperature.gpu",
    "GPU throttle reasons": "clocks_throttle_reasons.active",
}


@with_config(WRITTEN)
@dataclass(frozen=True)
class Reading:
    """One quantity before and after, as text with its unit in the name; "not readable" where it is not."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Snapshot:
    """Everything that could be read at one moment, by name, and the counter of energy in joules with its time."""

    values: Mapping[str, str]
    joules: float | None
    seconds: float


def usable_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def snapshot(root: Path = Path("/")) -> Snapshot:
    """Read what there is; never raises."""
    return Snapshot({"CPU clock (MHz)": _cpu_clock(root), **_gpu()}, _joules(root), time.monotonic())


def readings(before: Snapshot, after: Snapshot) -> tuple[Reading, ...]:
    """Pair two snapshots; the power of the processor package is the mean between them."""
    names = dict.fromkeys([*before.values, *after.values])
    pairs = [
        Reading(name, before.values.get(name, _NOT_READABLE), after.values.get(name, _NOT_READABLE)) for name in names
    ]
    return (*pairs, Reading("CPU package power, mean (W)", "", _mean_power(before, after)))


def _mean_power(before: Snapshot, after: Snapshot) -> str:
    seconds = after.seconds - before.seconds
    if before.joules is None or after.joules is None or seconds <= 0 or after.joules < before.joules:  # it wraps
        return _NOT_READABLE
    return f"{(after.joules - before.joules) / seconds:.1f}"


def _cpu_clock(root: Path) -> str:
    """Lowest and highest of the cores: from cpufreq, or what /proc/cpuinfo says, which virtual machines make up."""
    found = list(_scaling(root)) or [
        float(clock) for clock in re.findall(r"^cpu MHz\s*: ([\d.]+)", _cpuinfo(root), re.M)
    ]
    return f"{min(found):.0f} to {max(found):.0f}" if found else _NOT_READABLE


def _scaling(root: Path) -> Iterator[float]:
    for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"):
        if (kilohertz := _text(path)).isdecimal():
            yield int(kilohertz) / 1e3


def _cpuinfo(root: Path) -> str:
    return _text(root / "proc/cpuinfo")


def _joules(root: Path) -> float | None:
    microjoules = _text(root / _RAPL / "energy_uj")
    return int(microjoules) / 1e6 if microjoules.isdecimal() else None


def _gpu() -> dict[str, str]:
    """Ask nvidia-smi about the first GPU."""
    command = [
        "nvidia-smi",
        f"--query-gpu={','.join(_GPU_FIELDS.values())}",
        "--format=csv,noheader,nounits",
        "-i",
        "0",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return {"GPU": _NOT_READABLE}
    values = [value.strip() for value in done.stdout.strip().split(",")]
    return dict(zip(_GPU_FIELDS, values, strict=True)) if len(values) == len(_GPU_FIELDS) else {"GPU": _NOT_READABLE}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
