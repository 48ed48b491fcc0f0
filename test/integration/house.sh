#!/bin/sh
# The runner's own tools: no process outlives its test, no failure is lost.
set -u
cd "$(dirname "$0")/../.." || exit 1

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM
fail() {
	echo "FAIL: $*"
	exit 1
}

# ---- contain

expect() { # STATUS SECONDS COMMAND...
	wanted=$1
	shift
	test/lib/contain "$@" >"$tmp/out" 2>&1
	status=$?
	cat "$tmp/out"
	[ $status = "$wanted" ] || fail "contain $*: $status, not $wanted"
}
alive() {
	[ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null
}
expect 0 5 true
expect 3 5 sh -c 'exit 3'
expect 77 5 sh -c 'exit 77'
expect 137 5 sh -c 'kill -9 $$'
# A child that outlives its parent is a failure, and dead.
expect 1 5 sh -c "sleep 300 & echo \$! >$tmp/one"
alive "$tmp/one" && fail "contain left a child"
# So is one with a session of its own that does not listen.
expect 1 5 sh -c "setsid sh -c 'trap \"\" TERM; echo \$\$ >$tmp/two;
	while :; do sleep 300; done' & while ! [ -s $tmp/two ]; do :; done"
alive "$tmp/two" && fail "contain left a session"
# Time is up.
expect 124 0.2 sh -c "echo \$\$ >$tmp/three; sleep 300"
alive "$tmp/three" && fail "contain left what was too slow"
# Who interrupts the runner ends the test.
test/lib/contain 60 sh -c "echo \$\$ >$tmp/four; sleep 300" &
runner=$!
while ! [ -s "$tmp/four" ]; do :; done
kill -TERM $runner
wait $runner
[ $? = 143 ] || fail "contain does not end on SIGTERM"
alive "$tmp/four" && fail "contain left its command behind on SIGTERM"

# ---- tally

log() { # NAME RESULT OUTPUT
	printf '{"name": "%s", "result": "%s", "stdout": "%s"}\n' "$@"
}
{
	log tap OK '1..3\nok 1 - a\nok 2 - b\nok 3 # SKIP c\n'
	log bad FAIL '1..2\nok 1 - a\nnot ok 2 - b\n'
	log crashed ERROR '1..2\nok 1 - a\n'
	log plain OK 'hello\n'
	log absent SKIP "needs root\\n"
} >"$tmp/log.json"
test/lib/tally "$tmp/log.json" >"$tmp/tally" || fail "tally"
cat "$tmp/tally"
[ "$(head -n 1 "$tmp/tally")" = "5 2 2" ] || fail "tally counts otherwise"
grep -q '^failed: crashed: error$' "$tmp/tally" || fail "a crash is lost"
grep -q "^skipped: absent: needs root$" "$tmp/tally" || fail "no reason"
