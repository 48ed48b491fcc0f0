#!/bin/sh
# The systemd unit: every key is known, and it gives away little.
set -u
cd "$(dirname "$0")/../.." || exit 1
unit=packaging/systemd/edgeprobe.service

if ! command -v systemd-analyze >/dev/null; then
	echo "systemd-analyze is not installed"
	exit 77
fi
version=$(systemd-analyze --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')
if [ "${version:-0}" -lt 252 ]; then
	echo "systemd $version cannot score a unit offline"
	exit 77
fi

# A key that systemd does not know is a warning there, and an error here. The
# program and its page need not be installed on this machine.
unknown=$(systemd-analyze verify "$unit" 2>&1 |
	grep "edgeprobe.service:" |
	grep -v -e 'is not executable' -e "Command 'man ")
if [ -n "$unknown" ]; then
	echo "$unknown"
	exit 1
fi

score() {
	systemd-analyze security --offline=true --threshold="$1" "$2"
}
if ! score 20 "$unit"; then
	echo "the unit's exposure is above 2.0"
	exit 1
fi

# The same unit without its fences has to be refused, or nothing was scored.
weak=${TMPDIR:-/tmp}/edgeprobe-weak-$$.service
grep -v -e '^Protect' -e '^Restrict' -e '^SystemCall' "$unit" >"$weak"
score 20 "$weak" >/dev/null 2>&1
refused=$?
rm -f "$weak"
if [ $refused = 0 ]; then
	echo "systemd-analyze found an open unit good enough"
	exit 1
fi
