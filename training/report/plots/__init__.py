"""The figures of the report, as inline SVG."""
