#!/bin/sh
# A run of the agent against loopback under the thread sanitizer: no race
# between the measuring threads and the keeping one.
set -u
top=${TEST_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}

TSAN_OPTIONS="halt_on_error=0:exitcode=66:second_deadlock_stack=1"
export TSAN_OPTIONS
exec "$top/test/lib/short-run" \
	"${EDGEPROBE_THREAD:-$top/build/thread/agent/edgeprobe}"
