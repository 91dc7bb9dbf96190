"""Tables that the engine computes at once and keeps until the process ends."""

from __future__ import annotations

import ibis.expr.types as ir


def cached(table: ir.Table) -> ir.Table:
    """*table*, computed at once, as a temporary table of its engine."""
    # Ibis 12 does not register the tables in memory that are part of it with Spark
    table.get_backend()._run_pre_execute_hooks(table)
    return table.cache()
