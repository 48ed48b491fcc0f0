#!/bin/sh
# integration/stalls.py with a process that is stopped for half a minute.
exec "$(dirname "$0")/../integration/stalls.py" --long
