"""Raw scores and SHAP values of trees with few splits, looked up in tables.

What a tree gives a row follows from the outcome of its splits: with k splits there are 2^k. So leaf and
Shapley values of every outcome are found once, by their definition, and a row costs one look-up a tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import scipy.sparse as sp

MOST_SPLITS = 10
"""Of a tree: its table has 2^splits rows."""
AT_ONCE = 256
"""Rows that are looked up together, so that they stay in the processor's cache."""

Node = dict[str, Any]


@dataclass(frozen=True)
class ShapleyTables:
    """The trees of boosters of the same features as tables.

    Attributes:
        base: of each booster, the mean of its raw score over the training rows.
        column: of each tree and split, which column it looks at, see `_variants`; trees × splits.
        threshold: up to which value a row goes left; trees × splits.
        leaf: what a tree adds to the raw score, by tree and outcome of the splits; trees · 2^splits.
        values: Shapley values by the same; (trees · 2^splits) × players.
        first: where the table of each tree begins in `leaf` and `values`.
        ends: behind which tree those of each booster end.
        adding: which feature of which booster each player of each tree is; (boosters · features) × (trees ·
            players).
    """

    base: np.ndarray
    column: np.ndarray
    threshold: np.ndarray
    leaf: np.ndarray
    values: np.ndarray
    first: np.ndarray
    ends: list[int]
    adding: sp.csr_matrix

    @classmethod
    def of(cls, *boosters: lgb.Booster) -> ShapleyTables | None:
        """The tables of *boosters*; None where they would be large: a tree has more than `MOST_SPLITS`."""
        dumps = [[tree["tree_structure"] for tree in one.dump_model()["tree_info"]] for one in boosters]
        owner = [number for number, dump in enumerate(dumps) for _ in dump]
        roots = [root for dump in dumps for root in dump]
        trees = [list(_splits(root)) for root in roots]
        most = max(map(len, trees))
        if most > MOST_SPLITS or any(not _known(split) for splits in trees for split in splits):
            return None
        features = boosters[0].num_feature()
        used = [sorted({split["split_feature"] for split in splits}) for splits in trees]
        players = max(1, *map(len, used))
        column = np.zeros((len(trees), 8 * -(-max(most, 1) // 8)), dtype=np.intp)
        threshold = np.full(column.shape, np.nan)  # which sends nobody left
        leaf = np.zeros((len(trees), 2**most))
        values = np.zeros((len(trees), 2**most, players))
        player = np.zeros((len(trees), players), dtype=np.intp)
        base = np.zeros(len(boosters))
        for i, (root, splits) in enumerate(zip(roots, trees, strict=True)):
            for j, split in enumerate(splits):
                column[i, j] = split["split_feature"] + features * _variant(split)
                threshold[i, j] = split["threshold"]
            worth = _worth(root, splits, used[i])
            base[owner[i]] += worth[0, 0]
            outcomes = slice(2 ** len(splits))
            leaf[i, outcomes] = worth[-1]
            values[i, outcomes, : len(used[i])] = _shapley(worth)
            player[i, : len(used[i])] = used[i]
            player[i] += features * owner[i]
        place = np.arange(player.size)
        return cls(
            base,
            column,
            threshold,
            leaf.ravel(),
            values.reshape(-1, players),
            np.arange(len(trees)) << most,
            np.cumsum([len(dump) for dump in dumps]).tolist(),
            sp.csr_matrix(
                (np.ones(player.size), (player.ravel(), place)), (len(boosters) * features, player.size)
            ),
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """SHAP values of every row of *x* (rows × features, float64): rows × boosters × features.

        The sum of a row's values and `base` is its raw score, by each booster.
        """
        found = np.empty((len(x), len(self.base), x.shape[1]))
        for begin in range(0, len(x), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            found[part] = self._look_up(x[part]).reshape(-1, *found.shape[1:])
        return found

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Raw scores of every row of *x*, boosters × rows, to the bit what LightGBM predicts."""
        found = np.empty((len(self.ends), len(x)))
        for begin in range(0, len(x), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            leaves = self.leaf[self._places(x[part])]
            for own, (first, end) in zip(found, pairwise([0, *self.ends]), strict=True):
                # tree after tree, as LightGBM adds them: `sum` goes another way, and rounds otherwise
                own[part] = np.add.accumulate(leaves[:, first:end], axis=1)[:, -1]
        return found

    def _look_up(self, x: np.ndarray) -> np.ndarray:
        by_player = self.values[self._places(x)].reshape(len(x), -1)
        added: np.ndarray = (self.adding @ by_player.T).T
        return added

    def _places(self, x: np.ndarray) -> np.ndarray:
        """Where in the tables the outcome of each tree is; rows × trees."""
        left = _variants(x).take(self.column, axis=1) <= self.threshold
        places: np.ndarray = self.first + _number(left)
        return places


def _number(bits: np.ndarray) -> np.ndarray:
    """The numbers whose binary digits, lowest first, lie along the last axis, eight or sixteen of them."""
    # the product moves the n-th of eight bytes, which are 0 or 1, to the n-th highest bit but 56
    words = (bits.view("<u8") * np.uint64(0x0102040810204080) >> np.uint64(56)).astype(np.intp)
    number: np.ndarray = words[..., 0]
    for place in range(1, words.shape[-1]):
        number = number + (words[..., place] << 8 * place)
    return number


def _variants(x: np.ndarray) -> np.ndarray:
    """*x*, then *x* with the lowest value where it is undefined, then with zero there; side by side.

    An undefined value goes where the split says: right as no comparison holds, left, or as a zero would.
    """
    undefined = np.isnan(x)
    return np.hstack([x, np.where(undefined, -np.inf, x), np.where(undefined, 0.0, x)])


def _variant(split: Node) -> int:
    if split["missing_type"] == "None":
        return 2
    return 1 if split["default_left"] else 0


def _known(split: Node) -> bool:
    return split["decision_type"] == "<=" and split["missing_type"] in ("None", "NaN")


def _splits(node: Node) -> Iterator[Node]:
    if "split_feature" in node:
        yield node
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def _worth(root: Node, splits: list[Node], players: list[int]) -> np.ndarray:
    """What the tree gives on average where only a set of features is known: sets × outcomes of the splits.

    Where a split looks at a feature that is not, both branches count, by the training rows in them (Lundberg
    et al. 2020, TreeSHAP with path-dependent perturbation). Sets are numbered by their members: in the last
    one are all players, which are features, so that it gives the leaf itself.
    """
    sets, outcomes = np.arange(2 ** len(players)), np.arange(2 ** len(splits))
    place = {id(split): i for i, split in enumerate(splits)}

    def worth(node: Node) -> np.ndarray:
        if "leaf_value" in node:
            return np.full((1, 1), node["leaf_value"])
        left, right = worth(node["left_child"]), worth(node["right_child"])
        rows_left, rows_right = _rows(node["left_child"]), _rows(node["right_child"])
        on_average = (rows_left * left + rows_right * right) / (rows_left + rows_right)
        known = _has(sets, players.index(node["split_feature"]))[:, None]
        goes_left = _has(outcomes, place[id(node)])
        return np.where(known, np.where(goes_left, left, right), on_average)

    return np.broadcast_to(worth(root), (sets.size, outcomes.size))


def _shapley(worth: np.ndarray) -> np.ndarray:
    """Shapley values of every outcome, outcomes × players, from what `_worth` tells.

    A player's value is the mean of what it adds to the sets of others, over all orders in which players may
    come (Shapley 1953).
    """
    sets = np.arange(len(worth))
    members = np.bitwise_count(sets)
    number = int(members[-1])
    values = np.empty((worth.shape[1], number))
    for player in range(number):
        others = sets[~_has(sets, player)]
        orders = [factorial(size) * factorial(number - size - 1) for size in members[others].tolist()]
        gain = worth[others | 1 << player] - worth[others]
        values[:, player] = np.array(orders) / factorial(number) @ gain
    return values


def _has(sets: np.ndarray, member: int) -> np.ndarray:
    return (sets >> member & 1).astype(bool)


def _rows(node: Node) -> int:
    return int(node["leaf_count"] if "leaf_value" in node else node["internal_count"])
