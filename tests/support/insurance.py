"""A small experiment like that of the village insurance, simulated, in files of its form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from examples.insurance.convert import NETWORK, SURVEY

VILLAGES, NATURAL_VILLAGES, HOUSEHOLDS, FRIENDS = 4, 8, 25, 4
"""Administrative villages, natural villages in all, households of each, and friends that most name."""


def survey_and_network(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The survey and the nominations; friends in intensive sessions of round one make a purchase likelier."""
    rng = np.random.default_rng(seed)
    size = NATURAL_VILLAGES * HOUSEHOLDS
    natural = np.repeat(np.arange(NATURAL_VILLAGES), HOUSEHOLDS)
    told = rng.integers(3, size=size)
    survey = pd.DataFrame(
        {
            "id": 1000 + np.arange(size),
            "address": [f"natural {number}" for number in natural],
            "village": [f"village {number % VILLAGES}" for number in natural],
            "delay": rng.integers(2, size=size).astype(np.float32),
            "intensive": rng.integers(2, size=size).astype(np.float32),
            "male": rng.integers(2, size=size).astype(np.float32),
            "age": rng.integers(20, 80, size=size).astype(np.float64),
            "agpop": rng.integers(1, 9, size=size).astype(np.float32),
            "ricearea_2010": rng.exponential(10, size=size),
            "literacy": rng.integers(2, size=size).astype(np.float32),
            "risk_averse": rng.random(size).astype(np.float32),
            "disaster_prob": rng.integers(0, 100, size=size).astype(np.float64),
        }
    )
    told = np.where(survey["delay"] == 1, told, 0)
    survey["info_none"] = (told == 0).astype(np.float32)
    survey["info_takeup_rate"] = (told == 1).astype(np.float32)
    survey["info_takeup_list"] = (told == 2).astype(np.float32)
    survey.loc[::40, "age"] = np.nan
    friend = np.stack([number * HOUSEHOLDS + rng.permutation(HOUSEHOLDS)[:FRIENDS] for number in natural])
    friend = np.where(friend == np.arange(size)[:, None], -1, friend)
    taught = ((survey["delay"] == 0) & (survey["intensive"] == 1)).to_numpy()
    exposed = (taught[friend] & (friend >= 0)).mean(axis=1) * survey["delay"]
    survey["takeup_survey"] = (rng.random(size) < 0.2 + 0.2 * survey["intensive"] + 0.4 * exposed).astype(
        np.int8
    )
    household, slot = np.nonzero(friend >= 0)
    named = survey.iloc[friend[household, slot]].reset_index(drop=True)
    network = pd.DataFrame(
        {
            "id": survey["id"].to_numpy()[household],
            "network_id": named["id"].astype(np.float64),
            "network_missname": np.float32(0),
            "delay": named["delay"].astype(np.float64),
            "intensive": named["intensive"].astype(np.float64),
            "takeup_survey": named["takeup_survey"].astype(np.float32),
        }
    )
    outside = network.iloc[:30].assign(network_id=99.0, delay=np.nan, intensive=np.nan, takeup_survey=np.nan)
    nameless = outside.assign(network_id=np.nan, network_missname=np.float32(1))
    return survey, pd.concat([network, outside, nameless], ignore_index=True)


def write_source(folder: Path, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write both files into *folder*, and return what they hold."""
    survey, network = survey_and_network(seed)
    survey.to_stata(folder / SURVEY, write_index=False)
    network.to_stata(folder / NETWORK, write_index=False)
    return survey, network
