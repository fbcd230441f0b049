"""The faults that the system must survive, as drills that anyone can run: ``./scripts/faults``."""
