#!/usr/bin/env python3
"""integration/oracle.py with 300 kills, each point at each of its moments."""
import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import oracle

oracle.main(agents=4, kills=300, every_moment=True)
