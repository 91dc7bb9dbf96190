"""The invite tree of an auction platform."""
