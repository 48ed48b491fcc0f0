#!/bin/sh
# fault/drain.c with as many batches as 72 hours of 100 samples a second are.
BATCHES=5200 FASTER=50 exec "$TEST_BUILD/release/test/fault/fault_drain"
