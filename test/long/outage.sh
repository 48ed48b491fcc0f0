#!/bin/sh
# fault/outage.c for 72 hours, 26 million samples, as users' builds have the
# store; the bound is one that not all of them fit into.
[ -w /dev/shm ] && TMPDIR=/dev/shm && export TMPDIR
HOURS=72 MAX_MIB=128 exec "$TEST_BUILD/release/test/fault/fault_outage"
