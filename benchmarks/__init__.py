"""Measurements that anyone can repeat: `python -m benchmarks [--quick] [--json FILE]`."""
