#!/bin/sh
# A run of the agent against loopback under valgrind: no error, nothing lost.
set -u
top=${TEST_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
program=${EDGEPROBE_PLAIN:-$top/build/plain/agent/edgeprobe}

command -v valgrind >/dev/null || {
	echo "valgrind is not installed"
	exit 77
}
tmp=$(mktemp -d) || exit 1
server=
leave() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$tmp"
}
trap leave EXIT
trap 'exit 130' INT TERM
fail() {
	echo "FAIL: $*"
	exit 1
}

cat >"$tmp/listen.py" <<'EOF'
import signal, socket
held = socket.create_server(("127.0.0.1", 0))
print(held.getsockname()[1], flush=True)
signal.pause()
EOF
mkfifo "$tmp/port"
python3 "$tmp/listen.py" >"$tmp/port" &
server=$!
read -r port <"$tmp/port"

# The port speaks no TLS: the https probe fails, which is a path as well.
cat >"$tmp/edgeprobe.json" <<EOF
{
  "agent": "valgrind",
  "targets": [
    { "name": "loop", "host": "127.0.0.1", "port": $port, "probes": ["tcp", "https"], "interval": "500ms", "timeout": "400ms" },
    { "name": "echo", "host": "127.0.0.1", "probes": ["icmp"], "interval": "500ms" }
  ],
  "store": { "path": "$tmp/store.db", "max_size": "16MiB" },
  "destinations": [ { "name": "kept", "url": "file://$tmp/kept/" } ]
}
EOF
under() {
	valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect \
		--errors-for-leak-kinds=definite,indirect --track-fds=no \
		--error-exitcode=99 "$program" "$@"
}
under run --config "$tmp/edgeprobe.json" --duration 4s ||
	fail "the agent under valgrind: exit $?"
under export --store "$tmp/store.db" >"$tmp/rows" || fail "export: exit $?"
under report --store "$tmp/store.db" || fail "report: exit $?"
grep -c . "$tmp/rows"
for kind in tcp https; do
	grep '"type":"sample"' "$tmp/rows" | grep -q "\"probe\":\"$kind\"" ||
		fail "no $kind sample was kept"
done
