"""Why customers are scored as they are, and what moved since the last version."""
