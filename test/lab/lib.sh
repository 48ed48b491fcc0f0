# shellcheck shell=sh
# Shared by up, down and tell, which set `lab` to the lab's folder.
lab=

lab_fail()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

lab_skip()
{
	echo "${0##*/}: $*" >&2
	exit 77
}

lab_need_root()
{
	[ "$(id -u)" = 0 ] ||
		lab_skip "needs root: it makes network namespaces"
	[ -c /dev/net/tun ] ||
		lab_skip "needs /dev/net/tun (modprobe tun, or give the container the device)"
	command -v ip >/dev/null ||
		lab_skip "needs ip (Debian: iproute2, Fedora: iproute)"
}

# lab_await SECONDS COMMAND...: until the command succeeds.
lab_await()
{
	lab_tries=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		lab_tries=$((lab_tries - 1))
		[ "$lab_tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

# Is this process number still the one that the lab started? All of them name
# the lab's folder in their command line.
lab_is_ours()
{
	[ -r "/proc/$1/cmdline" ] &&
		tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF -- "$lab/"
}

lab_is_gone()
{
	! lab_is_ours "$1"
}

# lab_stop PIDFILE
lab_stop()
{
	[ -s "$1" ] || return 0
	lab_pid=$(cat "$1")
	if lab_is_ours "$lab_pid"; then
		kill -TERM "$lab_pid" 2>/dev/null || :
		if ! lab_await 5 lab_is_gone "$lab_pid"; then
			kill -KILL "$lab_pid" 2>/dev/null || :
			lab_await 5 lab_is_gone "$lab_pid" ||
				lab_fail "process $lab_pid of $1 does not end"
		fi
	fi
	rm -f "$1"
}

# lab_forget NAMESPACE
lab_forget()
{
	[ ! -L "/etc/netns/$1" ] || rm -f "/etc/netns/$1"
	rmdir /etc/netns 2>/dev/null || : # others' are in it
	[ ! -e "/run/netns/$1" ] || ip netns del "$1"
}

# Everything that `up` made and that is not a file below the folder.
lab_take_down()
{
	lab_stop "$lab/nginx/nginx.pid"
	lab_stop "$lab/stun.pid"
	lab_stop "$lab/dns/unbound.pid"
	lab_stop "$lab/wire.pid"
	for lab_ns in branch.ns edge.ns; do
		[ -s "$lab/$lab_ns" ] || continue
		lab_forget "$(cat "$lab/$lab_ns")"
		rm -f "$lab/$lab_ns"
	done
	rm -f "$lab/lab.env" "$lab/status"
}

# lab_counter NAME: of the wire's status file.
lab_counter()
{
	sed -n "s/^$1=//p" "$lab/status"
}
