import pytest

from ripple.simulation.tables.product_features import ADVANCED, FEATURES, catalog_table, release_features


def test_the_catalog_has_forty_features_released_through_time(calendar, rng):
    features = release_features(calendar, rng)
    catalog = catalog_table(features, calendar).to_pandas()
    assert len(catalog) == FEATURES == 40
    assert catalog.feature.is_unique
    assert (catalog.tier == "advanced").sum() == ADVANCED == 16
    assert set(catalog.tier) == {"core", "advanced"}
    assert (catalog.released_at > calendar.start).sum() > 5
    assert features.popularity.sum() == pytest.approx(1)
