"""The orders table: every payment as the company books it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ripple.simulation.diffusion.first_passage import Adoptions
from ripple.simulation.diffusion.payments import Payments
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.columns import customer_ids, order_ids, product_ids
from ripple.simulation.world.products import Products


def orders_table(
    payments: Payments, adoptions: Adoptions, products: Products, calendar: Calendar
) -> pa.Table:
    """Every order, in the order of time; revenue and margin in the dataset's currency."""
    day = payments.days(adoptions)
    product = adoptions.product[payments.adoption]
    return pa.table(
        {
            "customer_id": customer_ids(adoptions.customer[payments.adoption]),
            "ordered_at": calendar.timestamps(day),
            "product": product_ids(product),
            "revenue": payments.revenue,
            "margin": np.round(payments.revenue * products.margin_share[product], 2),
            "order_id": order_ids(np.arange(payments.size)),
            "known_at": calendar.timestamps(day + payments.reporting_delay),
        }
    )
