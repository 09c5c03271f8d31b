from __future__ import annotations

from pathlib import Path

import pytest

from batchproof.bench.clocks import Reading, Snapshot, readings, snapshot

CPUINFO = "processor : 0\ncpu MHz\t\t: 1200.5\n\nprocessor : 1\ncpu MHz\t\t: 3400.0\n"


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.mark.usefixtures("without_gpu")
def test_where_nothing_can_be_read_it_says_so(tmp_path: Path) -> None:
    found = readings(snapshot(tmp_path), snapshot(tmp_path))
    assert {reading.name: reading.after for reading in found} == {
        "CPU clock (MHz)": "not readable",
        "GPU": "not readable",
        "CPU package power, mean (W)": "not readable",
    }


@pytest.mark.usefixtures("without_gpu")
def test_clocks_come_from_cpufreq_before_what_cpuinfo_makes_up(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", CPUINFO)
    assert snapshot(tmp_path).values["CPU clock (MHz)"] == "1200 to 3400"
    for core, kilohertz in enumerate((2_000_000, 2_500_000)):
        write(tmp_path, f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq", f"{kilohertz}\n")
    assert snapshot(tmp_path).values["CPU clock (MHz)"] == "2000 to 2500"


@pytest.mark.usefixtures("without_gpu")
def test_energy_is_a_counter_in_microjoules(tmp_path: Path) -> None:
    write(tmp_path, "sys/class/powercap/intel-rapl:0/energy_uj", "12500000\n")
    assert snapshot(tmp_path).joules == 12.5


@pytest.mark.parametrize(("joules", "power"), [(160.0, "30.0"), (5.0, "not readable"), (None, "not readable")])
def test_power_is_energy_over_time_unless_the_counter_has_wrapped(joules: float | None, power: str) -> None:
    before, after = Snapshot({}, 100.0, 10.0), Snapshot({}, joules, 12.0)
    assert readings(before, after) == (Reading("CPU package power, mean (W)", "", power),)


def test_nvidia_smi_tells_clocks_power_temperature_and_why_it_throttles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '1410, 1215, 251.3, 61, 0x0000000000000004'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    values = snapshot(tmp_path).values
    assert values["GPU clock (MHz)"] == "1410"
    assert values["GPU power (W)"] == "251.3"
    assert values["GPU throttle reasons"] == "0x0000000000000004"
    program.write_text("#!/bin/sh\necho 'No devices were found'\n")
    assert snapshot(tmp_path).values["GPU"] == "not readable"
