#!/usr/bin/env python3
"""Agents that are killed at each named point and at random, with collectors
that misbehave: nothing is lost in silence, nothing is changed."""
import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import oracle

oracle.main(agents=4, kills=52, every_moment=False)
