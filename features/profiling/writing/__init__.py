"""Writes a proposal as a commented ripple.toml."""
