"""A stand-in for trtexec: refuses the flags that the release lacks, and writes the engine slowly when told to."""

from __future__ import annotations

from pathlib import Path

_ALWAYS = (
    "--help --onnx --saveEngine --minShapes --optShapes --maxShapes --noTF32 --memPoolSize --timingCacheFile"
    " --profilingVerbosity --exportLayerInfo"
)
_SINCE_8_6 = "--skipInference --builderOptimizationLevel --hardwareCompatibilityLevel --versionCompatible"
_SINCE_10 = f"{_ALWAYS} {_SINCE_8_6} --profile --stronglyTyped"
_SINCE_10_12 = f"{_SINCE_10} --distributiveIndependence"
# What the sources of trtexec at these releases read, of all that a script might say.
KNOWN = {
    "8.5": f"{_ALWAYS} --buildOnly",
    "8.6": f"{_ALWAYS} {_SINCE_8_6} --buildOnly",
    "10.3": _SINCE_10,
    "10.9": _SINCE_10,
    "10.14": _SINCE_10_12,
    "10.16": _SINCE_10_12,
    "11.1": _SINCE_10_12,
}
_LEVELS = {"8.6": "ampere+", "10.3": "ampere+"}
_PROGRAM = """\
#!/bin/sh
echo '&&&& RUNNING TensorRT.trtexec [TensorRT v{number}]{build} # trtexec'
if [ "$1" = --help ]; then exit 0; fi
for argument in "$@"; do printf '%s\\n' "$argument" >>'{calls}'; done
error() {{ echo "[11/21/2026-03:43:36] [E] $*"; echo '&&&& FAILED TensorRT.trtexec'; exit 1; }}
room=0 profiles=0 shapes=0
for argument in "$@"; do
    name=${{argument%%=*}} value=${{argument#*=}}
    case ' {known} ' in *" $name "*) ;; *) error "Unknown option: $name" ;; esac
    case $name in
        --profile) profiles=$((profiles + 1)) room=3 ;;
        --???Shapes)
            shapes=$((shapes + 1)) room=$((room - 1))
            if [ "$profiles" -gt 0 ] && [ "$room" -lt 0 ]; then error 'shapes without --profile'; fi
            case ${{value##*:}} in *[!0-9x]*) error "bad shape $value" ;; esac ;;
        *) room=0 ;;
    esac
    case $name in
        --onnx) onnx=$value ;;
        --saveEngine) engine=$value ;;
        --exportLayerInfo) layers=$value ;;
        --hardwareCompatibilityLevel) case ' {levels} ' in *" $value "*) ;; *) error "no level $value" ;; esac ;;
    esac
done
if [ "$profiles" -eq 0 ] && [ "$shapes" -ne 3 ]; then error 'Multiple shapes without --profile'; fi
if grep -q unsupported <"$onnx"; then error 'In node 3 with name: /head/TopK: UNSUPPORTED_NODE'; fi
if grep -q silent <"$onnx"; then : >"$engine" && exit 0; fi
printf half >"$engine"
if grep -q full <"$onnx"; then error 'Saving engine to file failed.'; fi
if [ -n "${{SLOW:-}}" ]; then touch writing; sleep "$SLOW"; fi
{{ printf 'engine of '; cat <"$onnx"; }} >"$engine"
type='Half'
if grep -q single <"$onnx"; then type='Float'; fi
if grep -q older <"$onnx"; then type='Row major linear FP16 format'; fi
if grep -q unwritten <"$onnx"; then exit 0; fi
described='{{"Name": "fp16 half", "Outputs": [{{"Format/Datatype": "'$type'"}}]}}'
if grep -q nameless <"$onnx"; then described='"fp16 half"'; fi
printf '{{"Layers": [%s]}}\n' "$described" >"$layers"
echo '&&&& PASSED TensorRT.trtexec'
"""


def install(folder: Path, version: str) -> Path:
    """Put `trtexec` of a version such as 10.9 or 10.9.0.34 into `folder`; its calls end up in `calls` there."""
    folder.mkdir(parents=True, exist_ok=True)
    major, minor, patch = ([*map(int, version.split(".")), 0])[:3]
    line = f"{major}.{minor}"
    number = major * 1000 + minor * 100 + patch if major < 10 else major * 10000 + minor * 100 + patch
    build = "" if major < 10 else " [b34]"
    levels = _LEVELS.get(line, "ampere+ sameComputeCapability")
    program = folder / "trtexec"
    calls = folder / "calls"
    program.write_text(_PROGRAM.format(number=number, build=build, calls=calls, known=KNOWN[line], levels=levels))
    program.chmod(0o755)
    return program
