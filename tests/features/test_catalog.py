from ripple.features import catalog
from ripple.features.registry import features
from ripple.settings import Settings


def test_the_page_has_a_table_per_family_and_a_row_per_feature():
    settings = Settings.model_validate({"features": {"windows_days": (7, 30, 60)}})
    page = catalog.markdown(settings)
    assert "`ripple.toml`:\n7 and 30 and 60." in page
    chosen = features(settings.features)
    assert page.count("\n| `") == len(chosen)
    assert (
        page.count("\n## ")
        == page.count("| name | unit | no rows | description |")
        == len({f.family for f in chosen})
    )
    for feature in chosen:
        empty = "null" if feature.empty is None else "0"
        assert f"\n| `{feature.name}` | {feature.unit} | {empty} | {feature.description} |\n" in page


def test_as_text_every_feature_has_a_line():
    settings = Settings()
    lines = catalog.text(settings).splitlines()
    for feature in features(settings.features):
        assert sum(
            line.split() == f"{feature.name} {feature.unit} {feature.description}".split() for line in lines
        )
