"""What an adoption goes on to cause is partly its cause's doing: network value is recursive.

Domingos & Richardson 2001. With q the probability that adoption j caused adoption i, and c the value j is
credited with directly, down = c + Q·down. Causes come before effects, so Q is nilpotent and the sum ends.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from ripple.arrays import Floats, Ints


def with_descendants(cause: Ints, effect: Ints, probability: Floats, direct: Floats) -> Floats:
    """Credit of each adoption, that of everything it led to included.

    Args:
        cause, effect: positions of adoptions, the cause earlier than its effect.
        probability: that it was this cause.
        direct: credit of each adoption for its immediate effects.
    """
    caused = sp.csr_matrix((probability, (cause, effect)), shape=(direct.size, direct.size))
    total, generation = direct.copy(), direct
    while np.any(generation):
        generation = caused @ generation
        total += generation
    return total
