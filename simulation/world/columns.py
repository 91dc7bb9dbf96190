"""Arrow columns of ids and of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ripple.arrays import Ints


def customer_ids(customer: Ints) -> pa.Array:
    """``c000123`` for customer 123."""
    return _ids("c", 6, customer)


def product_ids(product: Ints) -> pa.Array:
    """``p07`` for product 7."""
    return _ids("p", 2, product)


def feature_ids(feature: Ints) -> pa.Array:
    """``f12`` for feature 12."""
    return _ids("f", 2, feature)


def order_ids(order: Ints) -> pa.Array:
    """``o00000042`` for order 42."""
    return _ids("o", 8, order)


def user_ids(customer: Ints, user: Ints) -> pa.Array:
    """``c000123-u4`` for the fourth user at customer 123."""
    return pc.binary_join_element_wise(customer_ids(customer), pa.array(user).cast(pa.string()), "-u")


def labels(names: Sequence[str], code: Ints) -> pa.Array:
    """The name at each position in *code*."""
    return pa.array(names).take(pa.array(code))


def _ids(prefix: str, width: int, number: Ints) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(np.arange(number.max(initial=0) + 1)).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "").take(pa.array(number))
