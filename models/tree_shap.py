"""Raw scores and SHAP values of small LightGBM trees, precomputed as look-up tables.

The leaf that a row reaches in a tree follows from the outcomes of the tree's splits, of which k splits have
2^k combinations. The leaf value and the Shapley values of every combination are computed once, by their
definition; a row then costs one look-up per tree. The values are those of TreeSHAP with path-dependent
feature perturbation: Lundberg et al. (2020), "From local explanations to global understanding with
explainable AI for trees", Nature Machine Intelligence 2.
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

MAX_SPLITS = 10
"""The number of splits up to which a tree is tabulated: its table has 2^splits rows."""
CHUNK_ROWS = 256
"""The number of rows that are looked up together, so that they stay in the processor's cache."""

Node = dict[str, Any]
"""A node of a tree as `lightgbm.Booster.dump_model` describes it."""


@dataclass(frozen=True)
class ShapleyTables:
    """The trees of one or more boosters of the same features as tables.

    The players of a tree are the features that it splits on. A tree with fewer splits or players than the
    largest one leaves the rest of its table empty.

    Attributes:
        base_values: Mean raw score of each booster over its training rows; boosters.
        split_columns: Column that each split compares, see `_with_imputed_columns`; trees × splits.
        thresholds: Value up to which a row goes left at each split; trees × splits.
        leaf_values: Addend of each tree to the raw score, by combination of outcomes; trees · 2^splits.
        shapley_values: Shapley values of the players, by the same; (trees · 2^splits) × players.
        table_starts: Index in `leaf_values` and `shapley_values` at which each tree's table starts; trees.
        booster_ends: Number of trees up to and including each booster; boosters.
        player_sums: 0/1 matrix that adds up the players of all trees by booster and feature; (boosters ·
            features) × (trees · players).
    """

    base_values: np.ndarray
    split_columns: np.ndarray
    thresholds: np.ndarray
    leaf_values: np.ndarray
    shapley_values: np.ndarray
    table_starts: np.ndarray
    booster_ends: list[int]
    player_sums: sp.csr_matrix

    @classmethod
    def from_boosters(cls, *boosters: lgb.Booster) -> ShapleyTables | None:
        """The tables of *boosters*, or None if a tree cannot be tabulated.

        That is the case if it has more than `MAX_SPLITS` splits, which would make its table large, or splits
        of a kind other than those of `_is_supported`.
        """
        dumps = [
            [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]] for booster in boosters
        ]
        booster_of_tree = [index for index, roots in enumerate(dumps) for _ in roots]
        roots = [root for dump in dumps for root in dump]
        splits_by_tree = [list(_splits(root)) for root in roots]
        max_splits = max(map(len, splits_by_tree))
        if max_splits > MAX_SPLITS or any(
            not _is_supported(split) for splits in splits_by_tree for split in splits
        ):
            return None
        feature_count = boosters[0].num_feature()
        players_by_tree = [sorted({split["split_feature"] for split in splits}) for splits in splits_by_tree]
        player_count = max(1, *map(len, players_by_tree))
        split_columns = np.zeros((len(roots), 8 * -(-max(max_splits, 1) // 8)), dtype=np.intp)
        thresholds = np.full(split_columns.shape, np.nan)  # no value is at most NaN, so no row goes left
        leaf_values = np.zeros((len(roots), 2**max_splits))
        shapley_values = np.zeros((len(roots), 2**max_splits, player_count))
        feature_of_player = np.zeros((len(roots), player_count), dtype=np.intp)
        base_values = np.zeros(len(boosters))
        for i, (root, splits) in enumerate(zip(roots, splits_by_tree, strict=True)):
            for j, split in enumerate(splits):
                split_columns[i, j] = split["split_feature"] + feature_count * _imputation(split)
                thresholds[i, j] = split["threshold"]
            players = players_by_tree[i]
            expectations = _conditional_expectations(root, splits, players)
            base_values[booster_of_tree[i]] += expectations[0, 0]
            outcomes = slice(2 ** len(splits))
            leaf_values[i, outcomes] = expectations[-1]
            shapley_values[i, outcomes, : len(players)] = _shapley(expectations)
            feature_of_player[i, : len(players)] = players
            feature_of_player[i] += feature_count * booster_of_tree[i]
        columns = np.arange(feature_of_player.size)
        return cls(
            base_values,
            split_columns,
            thresholds,
            leaf_values.ravel(),
            shapley_values.reshape(-1, player_count),
            np.arange(len(roots)) << max_splits,
            np.cumsum([len(dump) for dump in dumps]).tolist(),
            sp.csr_matrix(
                (np.ones(columns.size), (feature_of_player.ravel(), columns)),
                (len(boosters) * feature_count, columns.size),
            ),
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """SHAP values of every row of *x* (rows × features, float64): rows × boosters × features.

        A row's SHAP values and `base_values` add up to its raw score, for each booster.
        """
        shap_values = np.empty((len(x), len(self.base_values), x.shape[1]))
        for begin in range(0, len(x), CHUNK_ROWS):
            chunk = slice(begin, begin + CHUNK_ROWS)
            by_player = self.shapley_values[self._table_indices(x[chunk])].reshape(len(x[chunk]), -1)
            shap_values[chunk] = (self.player_sums @ by_player.T).T.reshape(-1, *shap_values.shape[1:])
        return shap_values

    def raw_scores(self, x: np.ndarray) -> np.ndarray:
        """Raw scores of every row of *x*, boosters × rows, to the bit what LightGBM predicts."""
        scores = np.empty((len(self.booster_ends), len(x)))
        for begin in range(0, len(x), CHUNK_ROWS):
            chunk = slice(begin, begin + CHUNK_ROWS)
            leaves = self.leaf_values[self._table_indices(x[chunk])]
            for booster_scores, (first, end) in zip(scores, pairwise([0, *self.booster_ends]), strict=True):
                # tree after tree, as LightGBM adds them: `sum` goes another way, and rounds otherwise
                booster_scores[chunk] = np.add.accumulate(leaves[:, first:end], axis=1)[:, -1]
        return scores

    def _table_indices(self, x: np.ndarray) -> np.ndarray:
        """Index in the tables of the combination of outcomes that each row reaches; rows × trees."""
        goes_left = _with_imputed_columns(x).take(self.split_columns, axis=1) <= self.thresholds
        indices: np.ndarray = self.table_starts + _packed_bits(goes_left)
        return indices


def _packed_bits(bits: np.ndarray) -> np.ndarray:
    """The numbers whose binary digits, lowest first, lie along the last axis, eight or sixteen of them."""
    # the product moves the n-th of eight bytes, which are 0 or 1, to the n-th highest bit but 56
    octets = (bits.view("<u8") * np.uint64(0x0102040810204080) >> np.uint64(56)).astype(np.intp)
    numbers: np.ndarray = octets[..., 0]
    for index in range(1, octets.shape[-1]):
        numbers = numbers + (octets[..., index] << 8 * index)
    return numbers


def _with_imputed_columns(x: np.ndarray) -> np.ndarray:
    """*x*, then *x* with -inf for NaN, then *x* with zero for NaN, side by side; rows × (3 · features).

    These make a missing value go where a split sends it: right as no comparison with NaN holds, left, or
    where zero goes.
    """
    missing = np.isnan(x)
    return np.hstack([x, np.where(missing, -np.inf, x), np.where(missing, 0.0, x)])


def _imputation(split: Node) -> int:
    """Which of the three copies of `_with_imputed_columns` a split has to compare."""
    if split["missing_type"] == "None":
        return 2
    return 1 if split["default_left"] else 0


def _is_supported(split: Node) -> bool:
    """Whether a split is numerical and does not treat zero as missing."""
    return split["decision_type"] == "<=" and split["missing_type"] in ("None", "NaN")


def _splits(node: Node) -> Iterator[Node]:
    if "split_feature" in node:
        yield node
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def _conditional_expectations(root: Node, splits: list[Node], players: list[int]) -> np.ndarray:
    """Expected output of a tree given the values of a coalition of players: coalitions × outcomes of splits.

    Where a split is on a feature outside of the coalition, both branches count, weighted by their training
    rows (Lundberg et al. 2020, path-dependent perturbation). The bits of a coalition's number are its
    members: the last coalition holds all players, so its expectation is the leaf value itself.
    """
    coalitions, outcomes = np.arange(2 ** len(players)), np.arange(2 ** len(splits))
    split_index = {id(split): i for i, split in enumerate(splits)}

    def expectation(node: Node) -> np.ndarray:
        if "leaf_value" in node:
            return np.full((1, 1), node["leaf_value"])
        left, right = expectation(node["left_child"]), expectation(node["right_child"])
        rows_left, rows_right = _training_rows(node["left_child"]), _training_rows(node["right_child"])
        mean = (rows_left * left + rows_right * right) / (rows_left + rows_right)
        in_coalition = _has_bit(coalitions, players.index(node["split_feature"]))[:, None]
        goes_left = _has_bit(outcomes, split_index[id(node)])
        return np.where(in_coalition, np.where(goes_left, left, right), mean)

    return np.broadcast_to(expectation(root), (coalitions.size, outcomes.size))


def _shapley(expectations: np.ndarray) -> np.ndarray:
    """Shapley values, outcomes × players, from the `_conditional_expectations` of all coalitions.

    A player's value is the mean, over all orders in which players may join, of what joining adds to the
    expectation of those before it (Shapley 1953, "A value for n-person games").
    """
    coalitions = np.arange(len(expectations))
    sizes = np.bitwise_count(coalitions)
    player_count = int(sizes[-1])
    values = np.empty((expectations.shape[1], player_count))
    for player in range(player_count):
        without = coalitions[~_has_bit(coalitions, player)]
        orders = [factorial(size) * factorial(player_count - size - 1) for size in sizes[without].tolist()]
        gain = expectations[without | 1 << player] - expectations[without]
        values[:, player] = np.array(orders) / factorial(player_count) @ gain
    return values


def _has_bit(numbers: np.ndarray, bit: int) -> np.ndarray:
    return (numbers >> bit & 1).astype(bool)


def _training_rows(node: Node) -> int:
    return int(node["leaf_count"] if "leaf_value" in node else node["internal_count"])
