#!/bin/sh
# Every fuzz target for FUZZ_SECONDS (300) from its seeds: no finding, and no
# target without seeds.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
seconds=${FUZZ_SECONDS:-300}

if ! command -v clang >/dev/null; then
	echo "clang is not installed"
	exit 77
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

targets=
for source in test/fuzz/fuzz_*.c; do
	targets="$targets ${source%.c}"
done

# shellcheck disable=SC2086 # a list of words
build() {
	CC=clang meson setup "$tmp/build" "$top" -Dfuzz=true \
		-Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fsanitize=fuzzer-no-link -Dwerror=false &&
		ninja -C "$tmp/build" $targets
}
if ! build >"$tmp/log" 2>&1; then
	tail -n 30 "$tmp/log"
	if grep -q 'libclang_rt.fuzzer' "$tmp/log"; then
		echo "clang's fuzzer runtime is not installed"
		exit 77
	fi
	echo "FAIL: the fuzz targets do not build"
	exit 1
fi

status=0
for source in test/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	seeds=test/fuzz/seeds/${name#fuzz_}
	if [ -z "$(ls "$seeds" 2>/dev/null)" ]; then
		echo "FAIL: $name has no seeds"
		status=1
		continue
	fi
	mkdir "$tmp/$name"
	if "$tmp/build/test/fuzz/$name" -max_total_time="$seconds" \
		-timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$tmp/$name-" "$tmp/$name" "$seeds" \
		>"$tmp/log" 2>&1; then
		echo "ok $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$tmp/log") runs"
	else
		tail -n 60 "$tmp/log"
		echo "FAIL: $name"
		status=1
	fi
done
exit $status
