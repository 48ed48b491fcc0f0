#!/bin/sh
# The Debian package: what is in it, and that it comes and goes cleanly.
set -u
cd "$(dirname "$0")/../.." || exit 1

skip() {
	echo "$*"
	exit 77
}
fail() {
	echo "FAIL: $*"
	exit 1
}

for tool in dpkg-deb dpkg-shlibdeps meson ninja; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
tmp=$(mktemp -d) || exit 1
installed=no
leave() {
	[ $installed = no ] || dpkg -P edgeprobe >/dev/null 2>&1
	rm -rf "$tmp"
}
trap leave EXIT
trap 'exit 130' INT TERM

# ---- what is in it

packaging/build-deb "$tmp" || fail "packaging/build-deb"
deb=$(echo "$tmp"/edgeprobe_*.deb)
dpkg-deb -c "$deb" >"$tmp/list" || fail "dpkg-deb -c"
cat "$tmp/list"
for wanted in \
	'^-rwxr-xr-x root/root .* \./usr/bin/edgeprobe$' \
	'^-rw-r--r-- root/root .* \./etc/edgeprobe/edgeprobe\.json$' \
	'^drwxr-xr-x root/root .* \./etc/edgeprobe/conf\.d/$' \
	'^-rw-r--r-- root/root .* \./lib/systemd/system/edgeprobe\.service$' \
	'^-rw-r--r-- root/root .* \./usr/share/man/man8/edgeprobe\.8\.gz$' \
	'^-rw-r--r-- root/root .* \./usr/share/doc/edgeprobe/copyright$' \
	'^-rw-r--r-- root/root .* \./usr/share/doc/edgeprobe/changelog\.Debian\.gz$'; do
	grep -q -- "$wanted" "$tmp/list" || fail "not in the package: $wanted"
done
if grep -v ' root/root ' "$tmp/list"; then
	fail "not owned by root"
fi
[ "$(dpkg-deb -I "$deb" conffiles)" = /etc/edgeprobe/edgeprobe.json ] ||
	fail "conffiles"
depends=$(dpkg-deb -f "$deb" Depends)
echo "Depends: $depends"
for library in libc6 libuv1 libc-ares2 libcurl4 libcjson1 libsqlite3-0 zlib1g \
	ca-certificates; do
	case $depends in
	*$library*) ;;
	*) fail "does not depend on $library" ;;
	esac
done
dpkg-deb -x "$deb" "$tmp/root"
if strings -a "$tmp/root/usr/bin/edgeprobe" | grep -F -e "$PWD" -e "$tmp"; then
	fail "the program names the place where it was built"
fi
if command -v lintian >/dev/null; then
	lintian --fail-on error --allow-root --suppress-tags \
		bogus-mail-host,initial-upload-closes-no-bugs \
		"$deb" || fail "lintian"
fi

# ---- it comes

[ "$(id -u)" = 0 ] || skip "built and read; installing it needs root"
state=$(dpkg-query -W -f '${Status}' edgeprobe 2>/dev/null)
case $state in
*installed | *config-files) skip "edgeprobe is installed here already" ;;
esac
if [ -e /etc/edgeprobe ] || [ -e /var/lib/edgeprobe ]; then
	skip "/etc/edgeprobe or /var/lib/edgeprobe is here already"
fi

snapshot() {
	find /etc /lib/systemd /usr/bin /usr/share/doc /usr/share/man \
		/var/lib/systemd -xdev ! -path '/etc/ld.so.cache' 2>/dev/null | sort
}
snapshot >"$tmp/before"
installed=yes
dpkg -i "$deb" || fail "dpkg -i"
[ "$(command -v edgeprobe)" = /usr/bin/edgeprobe ] || fail "not in the path"
edgeprobe version || fail "edgeprobe version"
edgeprobe check-config /etc/edgeprobe/edgeprobe.json ||
	fail "its own configuration is refused"
edgeprobe check-config || fail "the default place of the configuration"
started=$(find /proc/[0-9]*/exe -maxdepth 0 -lname /usr/bin/edgeprobe \
	2>/dev/null)
if [ ! -d /run/systemd/system ] && [ -n "$started" ]; then
	fail "something was started without systemd: $started"
fi
echo "/* kept */" >>/etc/edgeprobe/edgeprobe.json
dpkg -i "$deb" || fail "dpkg -i of the same again"
grep -q kept /etc/edgeprobe/edgeprobe.json || fail "the conffile was replaced"

# ---- it goes

mkdir -p /var/lib/edgeprobe && echo sample >/var/lib/edgeprobe/store.db
dpkg -r edgeprobe || fail "dpkg -r"
[ -e /var/lib/edgeprobe/store.db ] || fail "removing took the samples along"
[ -e /etc/edgeprobe/edgeprobe.json ] || fail "removing took the conffile along"
[ ! -e /usr/bin/edgeprobe ] || fail "removing left the program"
dpkg -P edgeprobe || fail "dpkg -P"
installed=no
[ ! -e /var/lib/edgeprobe ] || fail "purging left the samples"
snapshot >"$tmp/after"
diff -u "$tmp/before" "$tmp/after" || fail "left behind, or taken along"
