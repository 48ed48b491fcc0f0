#!/bin/sh
# packaging/quickstart on a clean copy of the checkout, as a newcomer runs it:
# without any network (the report says why, and names --lab), and with --lab
# (every target replies to all kinds that it is asked by).
set -u
cd "$(dirname "$0")/../.." || exit 1

if [ "$(id -u)" != 0 ] || ! command -v unshare >/dev/null; then
	echo "needs root, for network namespaces"
	exit 77
fi
tmp=$(mktemp -d) || exit 1
leave() {
	[ ! -e "$tmp/clone/build/quickstart/lab" ] ||
		"$tmp/clone/test/lab/down" "$tmp/clone/build/quickstart/lab"
	rm -rf "$tmp"
}
trap leave EXIT
trap 'exit 130' INT TERM
fail() {
	echo "FAIL: $*"
	cat "$tmp/out"
	exit 1
}

mkdir "$tmp/clone"
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
	tar --null --ignore-failed-read -T - -cf - 2>/dev/null |
	tar -xf - -C "$tmp/clone"
cd "$tmp/clone" || exit 1

unshare -n packaging/quickstart --duration 3s >"$tmp/out" 2>&1 ||
	fail "without a network: exit $?"
for said in 'Latency report' 'What did not go well' 'dns_' 'exchange' \
	'front-door' 'sudo packaging/quickstart --lab'; do
	grep -q -- "$said" "$tmp/out" || fail "without a network: no '$said'"
done
echo "without a network: the report says why, and names --lab"

packaging/quickstart --lab --duration 5s >"$tmp/out" 2>&1 ||
	fail "--lab: exit $?"
# Each target has a line for each kind, and each line has answers.
awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
	{ kinds[$1]++ }
	$column["replied"] == 0 { print "no reply: " $1 " " $2; bad = 1 }
	END {
		for (target in kinds) {
			n++
			if (kinds[target] != (target == "teams-media" ? 1 : 3)) {
				print target ": " kinds[target] " kinds"
				bad = 1
			}
		}
		print "--lab: " n " targets replied to all kinds"
		exit bad || n < 6
	}' build/quickstart/report.csv || fail "--lab: not all replied"
for pop in AMS DUB FRA; do
	grep -q "$pop" "$tmp/out" || fail "--lab: no PoP $pop"
done
ls build/quickstart/batches/*.ndjson >/dev/null || fail "no batches"
packaging/quickstart --nonsense >"$tmp/out" 2>&1
[ $? = 64 ] || fail "--nonsense: not refused"
