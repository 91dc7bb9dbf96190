"""Why total network value rises, and how well its total is forecast: `make bench-level`."""
