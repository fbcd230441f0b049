"""Benchmarks: how fast the project is beside its peers, measured in the same run. ``./scripts/bench`` runs them."""
