"""The sections of ripple.toml."""
