"""Alerts: events by rule, found in closed bars after they are published, and told at least once."""
