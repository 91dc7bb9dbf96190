"""Tables that the engine computes now and keeps until the process ends."""

from __future__ import annotations

import ibis.expr.types as ir


def cached(table: ir.Table) -> ir.Table:
    """*table*, computed now, as a temporary table of its engine."""
    # Ibis 12 forgets to tell Spark of the tables in memory that are part of it
    table.get_backend()._run_pre_execute_hooks(table)
    return table.cache()
