"""The sections of the report, each from a training result to what its template shows."""
