set -eu

# Exit code 2: nothing was tried.
stop() {
    printf '%s\n' "$*" >&2
    exit 2
}

sha256() {
    sha256sum <"$1" | cut -d ' ' -f 1
}

start() {
    CDPATH='' cd -- "$(dirname -- "$0")"
    find_trtexec
    check_tensorrt
    (: >>.build_engines.lock) 2>/dev/null || stop "$PWD cannot be written: check its permissions and the free space"
    exec 9>>.build_engines.lock
    flock -n 9 || stop "another $0, or a trtexec that it left, is at work in $PWD: wait for it"
    gpus=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | sort -u)
    built=0 current=0 failed=0 failures='' usages='' engine=''
    trap discard EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# The images have trtexec, but not all of them have it on the PATH.
find_trtexec() {
    for trtexec in "${TRTEXEC:-trtexec}" /usr/src/tensorrt/bin/trtexec; do
        if command -v "$trtexec" >/dev/null; then return; fi
        if [ -n "${TRTEXEC:-}" ]; then stop "TRTEXEC=$TRTEXEC is no program"; fi
    done
    stop "no trtexec here. Run this in the container of $product: $container"
}

# trtexec begins its output with [TensorRT v100900] [b34]; releases before 10 write 8503 for 8.5.3.
check_tensorrt() {
    help=$("$trtexec" --help 2>&1) || :
    banner=$(printf '%s\n' "$help" | sed -n 's/.*\(\[TensorRT v[0-9][0-9]*\]\( \[b[0-9]*\]\)*\).*/\1/p' | sed 1q)
    number=$(printf '%s\n' "$banner" | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    if [ -z "$number" ]; then stop "$trtexec does not say its version: $(printf '%s\n' "$help" | sed 1q)"; fi
    if [ "$number" -ge 100000 ]; then
        found=$((number / 10000)).$((number / 100 % 100)).$((number % 100))
    else
        found=$((number / 1000)).$((number / 100 % 10)).$((number % 100))
    fi
    # The target's may be known to its build, which some releases of trtexec do not say, or as a line alone.
    case "$tensorrt." in "$found."*) return ;; esac
    case "$found." in "$tensorrt."*) return ;; esac
    stop "this is TensorRT $found, and $product loads engines of TensorRT $tensorrt. Run: $container"
}

# job ENGINE PRECISION: begin with one engine; all that decides it is gathered in its recipe.
job() {
    engine=$1 precision=$2 fault='' usage=''
    recipe="$banner
$gpus"
}

# input FILE SHA256: the engine is made of this file.
input() {
    recipe="$recipe
$2 $1"
    if [ ! -f "$1" ]; then
        fault="$1 is missing"
    elif [ "$(sha256 "$1")" != "$2" ]; then
        fault="$1 is not the file that this script was written for: write the script again"
    fi
}

# use_with LINE...: what the target's configuration says of this engine.
use_with() {
    usage="
$engine:$(printf '\n    %s' "$@")"
}

# build FLAG...: build the engine with these flags, unless it is there already.
build() {
    recipe="$recipe
$*"
    if [ -n "$fault" ]; then
        fail "$fault"
    elif is_current; then
        current=$((current + 1)) usages=$usages$usage
        printf '%s: up to date\n' "$engine"
    elif ! make "$@"; then
        fail "$(reason) (log: $engine.log)"
    elif is_full_precision; then
        fail "an FP16 engine was asked for, and no layer of this one gives half precision: convert the ONNX to FP16 types"
    elif keep; then
        built=$((built + 1)) usages=$usages$usage
        printf '%s: built\n' "$engine"
    else
        fail "it could not be moved to its place: check the free space"
    fi
}

# What stands beside a finished engine.
record() {
    printf '%s\n%s\n' "$(sha256 "$engine")" "$recipe"
}

is_current() {
    [ -f "$engine" ] && [ -f "$engine.build" ] && [ "$(cat <"$engine.build")" = "$(record)" ]
}

make() {
    printf '%s: building\n' "$engine"
    mkdir -p -- "$(dirname -- "$engine")" &&
        "$trtexec" "$@" --saveEngine="$engine.partial" --exportLayerInfo="$engine.layers.json.partial" \
            ${TIMING_CACHE:+"--timingCacheFile=$TIMING_CACHE"} >"$engine.log" 2>&1 &&
        [ -s "$engine.partial" ]
}

# Whether no layer of an engine that should have half precision gives it; the names of layers may say so, their types
# alone count: "Format/Datatype": "Row major linear FP16 format" of TensorRT 10, "DataType": "Half" of 11.
is_full_precision() {
    if [ "$precision" != fp16 ]; then return 1; fi
    if ! grep -Eiq '"[^"]*datatype" *: *"' "$engine.layers.json.partial" 2>/dev/null; then
        printf '%s: whether it is in half precision cannot be told, trtexec wrote no types of layers\n' "$engine" >&2
        return 1
    fi
    ! grep -Eiq '"[^"]*datatype" *: *"[^"]*(half|fp16)' "$engine.layers.json.partial"
}

# Each file appears complete or not at all; an engine without its record is built again.
keep() {
    { [ ! -f "$engine.layers.json.partial" ] || mv -f -- "$engine.layers.json.partial" "$engine.layers.json"; } &&
        mv -f -- "$engine.partial" "$engine" &&
        record >"$engine.build.partial" &&
        mv -f -- "$engine.build.partial" "$engine.build"
}

# The first error that trtexec logged, or else its last words.
reason() {
    error=$(sed -n '/\[E\]/{p;q;}' <"$engine.log" || :)
    if [ -z "$error" ]; then error=$(sed -n '$p' <"$engine.log" || :); fi
    printf '%s\n' "${error:-it wrote nothing}"
}

discard() {
    rm -f -- "$engine.partial" "$engine.layers.json.partial" "$engine.build.partial"
}

fail() {
    discard
    failed=$((failed + 1))
    failures="$failures
  $engine: $1"
    printf '%s: FAILED: %s\n' "$engine" "$1" >&2
}

finish() {
    if [ -n "$usages" ]; then printf '\nFor the configuration of %s:%s\n%s\n\n' "$product" "$usages" "$notes"; fi
    printf '%s built, %s up to date, %s failed\n' "$built" "$current" "$failed"
    if [ "$failed" -gt 0 ]; then
        printf 'Not built:%s\n' "$failures" >&2
        exit 1
    fi
}
