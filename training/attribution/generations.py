"""Generations: an adoption's cause is credited with part of what the adoption goes on to cause.

Domingos & Richardson (2001). With Q[j, i] the probability that adoption j caused adoption i and c the credit
for immediate effects, the total credit is t = c + Q·t. Causes come before effects, so Q is nilpotent and the
Neumann series Σ Qⁿ·c ends.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ripple.arrays import Floats, Ints


def with_descendants(cause: Ints, effect: Ints, probability: Floats, direct: Floats) -> Floats:
    """Credit of each adoption for its effects, their effects, and so on.

    Args:
        cause, effect: indices of adoptions, the cause earlier than its effect.
        probability: that it was this cause.
        direct: credit of each adoption for its immediate effects.
    """
    transition = sp.csr_matrix((probability, (cause, effect)), shape=(direct.size, direct.size))
    total, generation = direct.copy(), direct
    while np.any(generation):
        generation = transition @ generation
        total += generation
    return total
