#!/bin/sh
# libedgeprobe as others meet it: installed headers, pkg-config, the example
# against the shared and the static library, and no symbol that no header has.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD

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

# test/run has installed it already; by hand it is built and installed here.
prefix=${TEST_BUILD:-$tmp}/prefix
install_it() {
	meson setup "$tmp/build" "$top" -Dtests=false -Dhtml=disabled \
		-Dprefix="$prefix" -Dlibdir=lib && meson install -C "$tmp/build"
}
if [ ! -d "$prefix" ] && ! install_it >"$tmp/log" 2>&1; then
	tail -n 30 "$tmp/log"
	fail "meson install"
fi
PKG_CONFIG_PATH=$prefix/lib/pkgconfig
LD_LIBRARY_PATH=$prefix/lib
export PKG_CONFIG_PATH LD_LIBRARY_PATH

# ---- headers: all public ones, and only those, alone, as C and as C++

(cd "$top/include/edgeprobe" && ls ./*.h) >"$tmp/ours"
(cd "$prefix/include/edgeprobe" && find . -type f | sort) >"$tmp/theirs"
diff -u "$tmp/ours" "$tmp/theirs" || fail "not the public headers"
cflags=$(pkg-config --cflags libedgeprobe) || fail "pkg-config --cflags"
while read -r header; do
	echo "#include <edgeprobe/${header#./}>" >"$tmp/one.c"
	# shellcheck disable=SC2086
	gcc $cflags -Wall -Wextra -Werror -fsyntax-only "$tmp/one.c" ||
		fail "$header does not compile alone"
	command -v g++ >/dev/null || continue
	# shellcheck disable=SC2086
	g++ $cflags -Wall -Wextra -Werror -fsyntax-only -x c++ "$tmp/one.c" ||
		fail "$header does not compile as C++"
done <"$tmp/ours"

# ---- symbols: what is exported is declared, what is declared is exported

nm -D --defined-only "$prefix/lib/libedgeprobe.so" | awk '$2 != "A" { print $3 }' |
	sed 's/@.*//' | sort >"$tmp/exported"
cat "$prefix"/include/edgeprobe/*.h | gcc -fpreprocessed -dD -E -P - |
	tr '\n' ' ' | grep -oE '\bep_[a-z0-9_]+\(' | tr -d '(' |
	sort -u >"$tmp/declared"
grep -v -x -f "$tmp/declared" "$tmp/exported" >"$tmp/extra" &&
	fail "exported, but in no public header: $(tr '\n' ' ' <"$tmp/extra")"
missing=$(grep -v -x -f "$tmp/exported" "$tmp/declared" | tr '\n' ' ')
[ -z "$missing" ] || fail "declared, but not exported: $missing"

# ---- the example, against both

# A port of this machine where nobody listens any more, and one where somebody
# does: the kernel answers the handshake, nothing needs to accept.
cat >"$tmp/listen.py" <<'EOF'
import signal, socket
held = socket.create_server(("127.0.0.1", 0))
shut = socket.create_server(("127.0.0.1", 0))
ports = held.getsockname()[1], shut.getsockname()[1]
shut.close()
print(*ports, flush=True)
signal.pause()
EOF
mkfifo "$tmp/ports"
python3 "$tmp/listen.py" >"$tmp/ports" &
server=$!
read -r open closed <"$tmp/ports"

try() { # HOW COMPILER-ARGUMENT...
	how=$1
	shift
	gcc -Wall -Wextra -Werror -o "$tmp/measure" test/example/measure.c \
		"$@" || fail "the example does not build ($how)"
	said=$("$tmp/measure" tcp 127.0.0.1 "$open") ||
		fail "an open port did not answer ($how): $said"
	echo "$how: $said"
	case $said in
	"tcp 127.0.0.1 replied in "*" us, stamps: kernel") ;;
	*) fail "not what the example prints" ;;
	esac
	said=$("$tmp/measure" tcp 127.0.0.1 "$closed") &&
		fail "a closed port answered ($how): $said"
	echo "$how: $said"
	case $said in
	"tcp 127.0.0.1 refused ("*) ;;
	*) fail "a closed port is refused" ;;
	esac
	"$tmp/measure" tcp 127.0.0.1 65536 2>/dev/null
	[ $? = 64 ] || fail "port 65536 is a usage error"
}
# shellcheck disable=SC2046
try shared $(pkg-config --cflags --libs libedgeprobe)
readelf -d "$tmp/measure" | grep -q 'NEEDED.*libedgeprobe\.so\.0' ||
	fail "the example does not need libedgeprobe.so.0"
# Static for our part: what our archive needs comes as shared libraries.
# shellcheck disable=SC2046
try static $(pkg-config --cflags libedgeprobe) "$prefix/lib/libedgeprobe.a" \
	$(pkg-config --libs libuv $(pkg-config --print-requires-private \
		libedgeprobe | cut -d ' ' -f 1))
if readelf -d "$tmp/measure" | grep -q libedgeprobe; then
	fail "the static example still needs the shared library"
fi
