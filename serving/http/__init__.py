"""HTTP: routes, what stands before them, and the OpenAPI document."""
