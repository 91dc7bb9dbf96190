"""HTTP: the routes, the middleware before them, and the OpenAPI document."""
