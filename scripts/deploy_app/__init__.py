"""Deploying the platform: what ``scripts/deploy`` does."""
