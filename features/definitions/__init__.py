"""The definitions of all features: one module per family, one function per feature."""
