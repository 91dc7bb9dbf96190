from features import catalog
from features.registry import features
from settings import Settings


def test_the_page_has_a_table_per_family_and_a_row_per_feature():
    settings = Settings.model_validate({"features": {"windows_days": (7, 30, 60)}})
    page = catalog.markdown(settings)
    assert "here 7 and 30 and 60 days" in page
    chosen = features(settings.features)
    assert page.count("\n| `") == len(chosen)
    assert (
        page.count("\n## ") == page.count("| name | unit | description |") == len({f.family for f in chosen})
    )
    for feature in chosen:
        assert f"\n| `{feature.name}` | {feature.unit} | {feature.description} |\n" in page
