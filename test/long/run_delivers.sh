#!/bin/sh
# The run of integration/run_delivers.py for a whole minute.
LONG=1 exec "$(dirname "$0")/../integration/run_delivers.py"
