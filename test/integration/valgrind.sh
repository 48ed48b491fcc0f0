#!/bin/sh
# A run of the agent against loopback under valgrind: no error, nothing lost.
set -u
top=${TEST_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}

command -v valgrind >/dev/null || {
	echo "valgrind is not installed"
	exit 77
}
exec "$top/test/lib/short-run" valgrind --quiet --leak-check=full \
	--errors-for-leak-kinds=definite,indirect --error-exitcode=99 \
	"${EDGEPROBE_PLAIN:-$top/build/plain/agent/edgeprobe}"
