#!/bin/sh
# fault/power_loss.c as users' builds have the store: 10,000 images of a disk
# that lost its power, half of them in each of two processes.
set -u
program=$TEST_BUILD/release/test/fault/fault_power_loss
# In memory, where there is some: what is tested waits for no disk.
[ -w /dev/shm ] && TMPDIR=/dev/shm
TMPDIR=$(mktemp -d -p "${TMPDIR:-/tmp}") || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM

seed=${SEED:-$(date +%s)}
IMAGES=5000 SEED=$seed "$program" >"$TMPDIR/one" 2>&1 &
one=$!
IMAGES=5000 SEED=$((seed + 1)) "$program" >"$TMPDIR/two" 2>&1 &
two=$!
status=0
wait $one || status=1
wait $two || status=1
cat "$TMPDIR/one" "$TMPDIR/two"
exit $status
