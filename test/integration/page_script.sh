#!/bin/sh
# The parts of the report page's script that need no page: what the data is
# decoded into, what figures are written as, bands, order, addresses, and the
# contrast of the colours.
set -u
cd "$(dirname "$0")/../.." || exit 1
command -v node >/dev/null || {
	echo "node is not installed"
	exit 77
}
exec node test/page/run.js
