import os
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from ripple.errors import InputError
from ripple.settings import KINDS, Settings, load
from ripple.suggestions import nearest


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for variable in [name for name in os.environ if name.upper().startswith("RIPPLE_")]:
        monkeypatch.delenv(variable)


@pytest.fixture
def given(tmp_path):
    """The settings of a folder with this ripple.toml."""

    def given(toml: str) -> Settings:
        (tmp_path / "ripple.toml").write_text(toml, encoding="utf-8")
        return load(tmp_path)

    return given


@pytest.fixture
def refused(given):
    """The error message about this ripple.toml."""

    def refused(toml: str) -> str:
        with pytest.raises(InputError) as error:
            given(toml)
        return str(error.value)

    return refused


def test_without_file_or_variables_the_defaults_hold(tmp_path):
    assert load() == load(tmp_path) == Settings()
    assert Settings().horizon_days == 180
    assert Settings().home == Path(".ripple")


def test_the_file_outranks_the_defaults_and_a_variable_outranks_the_file(given, monkeypatch):
    monkeypatch.setenv("RIPPLE_CURRENCY", "CHF")
    settings = given("currency = 'EUR'\nhorizon_days = 90")
    assert (settings.currency, settings.horizon_days, settings.seed) == ("CHF", 90, 7)


def test_a_section_is_merged_key_by_key(given, monkeypatch):
    monkeypatch.setenv("RIPPLE_CUTOFFS__STEP_DAYS", "15")
    cutoffs = given("[cutoffs]\nstep_days = 30\nhistory_days = 100").cutoffs
    assert (cutoffs.step_days, cutoffs.history_days, cutoffs.evaluate) == (15, 100, 4)


@pytest.mark.parametrize(
    ("toml", "value"),
    [
        ("[cutoffs]\nstep_days = 30", ("cutoffs", "step_days", 30)),
        ("[credit]\nwindow_days = 60.5", ("credit", "window_days", 60.5)),
        ("[features]\nwindows_days = [7, 30]", ("features", "windows_days", (7, 30))),
        ("[model]\ntrees = 12", ("model", "trees", 12)),
        ("[checks]\nset_aside = ['a.b: c']", ("checks", "set_aside", ("a.b: c",))),
    ],
)
def test_every_section_can_be_set(given, toml, value):
    section, key, expected = value
    assert getattr(getattr(given(toml), section), key) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-05-17", datetime(2024, 5, 17)),
        ("'2024-05-17'", datetime(2024, 5, 17)),
        ("2024-05-17T09:30:00", datetime(2024, 5, 17, 9, 30)),
        ("'2024-05-17 09:30'", datetime(2024, 5, 17, 9, 30)),
        ("2024-05-17T09:30:00+02:00", datetime(2024, 5, 17, 7, 30)),
        ("'2024-05-17T09:30:00+02:00'", datetime(2024, 5, 17, 7, 30)),
        ("2024-05-17T00:30:00Z", datetime(2024, 5, 17, 0, 30)),
        ("'2024-01-01T00:00:00-05:00'", datetime(2024, 1, 1, 5)),
    ],
)
def test_a_date_may_be_written_in_many_ways_and_is_kept_in_utc_without_a_zone(given, written, expected):
    assert given(f"until = {written}").until == expected
    assert given(f"[cutoffs]\nevaluate = [{written}]").cutoffs.evaluate == (expected,)


@pytest.mark.parametrize("written", ["20240517", "'20240517'", "1715904000.0"])
def test_a_number_is_no_date(refused, written):
    # pydantic would read it as seconds since 1970
    assert "write a time as 2024-05-17" in refused(f"until = {written}")


def test_cutoffs_to_evaluate_are_a_number_or_dates(given, monkeypatch):
    assert given("[cutoffs]\nevaluate = 3").cutoffs.evaluate == 3
    monkeypatch.setenv("RIPPLE_CUTOFFS__EVALUATE", '["2024-05-17", "2024-06-17"]')
    assert load().cutoffs.evaluate == (datetime(2024, 5, 17), datetime(2024, 6, 17))


def test_kinds_are_added_to_the_defaults(given):
    settings = given("[kinds]\nwebinar = 'expert'\nshare = 'referent'")
    assert settings.powers == KINDS | {"webinar": "expert", "share": "referent"}
    assert Settings().powers == KINDS


def test_a_list_or_mapping_in_a_variable_is_json(monkeypatch):
    monkeypatch.setenv("RIPPLE_KINDS", '{"webinar": "expert"}')
    monkeypatch.setenv("RIPPLE_FEATURES__WINDOWS_DAYS", "[7, 30]")
    settings = load()
    assert settings.kinds == {"webinar": "expert"}
    assert settings.features.windows_days == (7, 30)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RIPPLE_FEATURES__WINDOWS_DAYS", "7,30"),
        ("RIPPLE_CUTOFFS", "monthly"),
        ("RIPPLE_KINDS", "webinar=expert"),
    ],
)
def test_a_variable_that_is_not_json_is_named(monkeypatch, variable, value):
    monkeypatch.setenv("RIPPLE_CURRENCY", "CHF")
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match="is not JSON") as error:
        load()
    assert str(error.value).startswith(f"{variable} = '{value}'")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("horizn_days = 90", "unknown key 'horizn_days'; did you mean 'horizon_days'?"),
        ("[cutoffs]\nstep_day = 30", "unknown key 'cutoffs.step_day'; did you mean 'step_days'?"),
        ("[modell]\ntrees = 3", "unknown key 'modell'; did you mean 'model'?"),
        ("[checks]\nxyz = 3", "unknown key 'checks.xyz'; known are drop_repeats, refunds, set_aside"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(refused, tmp_path, toml, message):
    assert refused(toml) == f"{tmp_path / 'ripple.toml'}: {message}"


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("RIPPLE_SEDD", "did you mean 'RIPPLE_SEED'?"),
        ("RIPPLE_CUTOFFS__STEP_DAY", "did you mean 'RIPPLE_CUTOFFS__STEP_DAYS'?"),
        ("RIPPLE_CUTOFFS_STEP_DAYS", "did you mean 'RIPPLE_CUTOFFS__STEP_DAYS'?"),
        ("RIPPLE_PLAYS__RULE", "did you mean 'RIPPLE_PLAYS__RULES'?"),
        ("ripple_sedd", "did you mean 'RIPPLE_SEED'?"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_one(monkeypatch, variable, message):
    monkeypatch.setenv(variable, "3")
    with pytest.raises(InputError) as error:
        load()
    assert str(error.value) == f"the environment: unknown variable '{variable.upper()}'; {message}"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("horizon_days = 0", "horizon_days = 0: Input should be greater than or equal to 1."),
        ("horizon_days = 99999999999999", "horizon_days = 99999999999999: Input should be less than"),
        ("[credit]\nreferral_days = 1e300", "credit.referral_days = 1e+300: Input should be less than"),
        ("top_share = 'much'", "top_share = 'much': Input should be a valid number"),
        ("[features]\nwindows_days = []", "features.windows_days = []:"),
        ("[features]\nwindows_days = [30, 0]", "features.windows_days.1 = 0:"),
        ("[features]\nwindows_days = [30, 30]", "features.windows_days = [30, 30]: a window is there twice."),
        (
            "[kinds]\nwebinar = 'magic'",
            "kinds.webinar = 'magic': Input should be 'referent', 'informational'",
        ),
        ("[cutoffs]\nevaluate = ['soon']", "cutoffs.evaluate.0 = 'soon':"),
        ("until = 'yesterday'", "until = 'yesterday':"),
        ("cutoffs = 3", "cutoffs = 3:"),
    ],
)
def test_a_value_that_is_not_allowed_is_reported_with_its_place(refused, tmp_path, toml, message):
    assert f"{tmp_path / 'ripple.toml'}: {message}" in refused(toml)


def test_every_wrong_value_is_reported_with_its_source(tmp_path, refused, monkeypatch):
    monkeypatch.setenv("RIPPLE_SEED", "x")
    monkeypatch.setenv("RIPPLE_CUTOFFS", '{"step_days": 0}')
    messages = refused("horizon_days = -1").splitlines()
    assert [line.split(": ")[0] for line in sorted(messages)] == [
        str(tmp_path / "ripple.toml"),
        "RIPPLE_CUTOFFS",
        "RIPPLE_SEED",
    ]


@pytest.mark.parametrize(
    "content", [b"currency = ", b"currency = 'EUR'\ncurrency = 'USD'", b"currency = '\xff'"]
)
def test_a_file_that_is_not_toml_is_refused(tmp_path, content):
    (tmp_path / "ripple.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"ripple\.toml is not valid TOML: .+"):
        load(tmp_path)


def test_a_file_may_be_named_and_then_must_be_there(tmp_path):
    file = tmp_path / "mine.toml"
    with pytest.raises(InputError) as error:
        load(file)
    assert str(error.value) == f"The settings {file} cannot be read: No such file or directory."
    file.write_text("seed = 3")
    assert load(file).seed == 3
    assert load(tmp_path) == Settings()


def test_rules_of_plays_are_read_from_toml_and_their_mistakes_are_reported(refused, tmp_path):
    rule = '[[plays.rules]]\nplay = "greet"\naction = "say hello"\nnetwork = "high"\n'
    (tmp_path / "ripple.toml").write_text(rule)
    (read,) = load(tmp_path).plays.rules
    assert (read.play, read.network, read.direct, read.fading) == ("greet", "high", None, None)
    message = refused(rule + 'sentimant = "happy"')
    assert "unknown key 'plays.rules.0.sentimant'; did you mean 'sentiment'?" in message
    assert "plays.rules.0.network = 'top': Input should be 'high' or 'low'" in refused(
        rule.replace('"high"', '"top"')
    )


def test_settings_are_frozen():
    settings = Settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.seed = 3
    with pytest.raises(ValidationError, match="frozen"):
        settings.cutoffs.step_days = 3


def test_settings_survive_json_but_for_where_they_are_kept():
    settings = Settings(until="2024-05-17T09:30:00+02:00", kinds={"webinar": "expert"}, home="elsewhere")
    again = Settings.model_validate_json(settings.model_dump_json())
    assert again == settings.model_copy(update={"home": Path(".ripple")})


def test_nearest_lists_what_is_known_where_nothing_is_near():
    assert nearest("xyz", ["beta", "alpha"]) == "; known are alpha, beta"


def test_where_results_are_kept_is_also_read_from_the_current_folder(given, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "ripple.toml").write_text(
        "home = 'runs'\nexperiment = 'brand'\nregistered_model = 'crm.shop.brand'\nseed = 3\nodd = 1"
    )
    for settings in (load(), given("horizon_days = 90")):
        assert (settings.home, settings.experiment) == (Path("runs"), "brand")
        assert settings.registered_model == "crm.shop.brand"
        # other keys are of whatever data lie here
        assert settings.seed == 7
    assert given("home = 'elsewhere'").home == Path("elsewhere")
    monkeypatch.setenv("RIPPLE_HOME", "/srv/ripple")
    assert load().home == given("home = 'elsewhere'").home == Path("/srv/ripple")


def test_a_wrong_place_is_told_with_the_file_it_is_in(given, tmp_path, monkeypatch):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "ripple.toml").write_text("registered_model = 'a/b'")
    with pytest.raises(InputError, match=r"^ripple\.toml: registered_model = 'a/b': "):
        given("seed = 3")
    assert given("registered_model = 'ab'").registered_model == "ab"


def test_names_and_places_are_no_parameters_of_a_run():
    settings = Settings(home="~/runs", experiment="a", registered_model="b")
    assert settings.home == Path.home() / "runs"
    assert not {"home", "experiment", "registered_model"} & settings.model_dump().keys()


@pytest.mark.parametrize("name", ["", " a", "a/b", "a:b", "it's", "a@b", 'say "a"'])
def test_a_name_that_mlflow_could_not_find_again_is_refused(refused, name):
    assert "registered_model = " in refused(f"registered_model = '''{name}'''")


def test_an_empty_home_is_refused(monkeypatch):
    monkeypatch.setenv("RIPPLE_HOME", "")
    with pytest.raises(InputError, match="RIPPLE_HOME: home = '': name a folder, or leave it out"):
        load()


def test_variables_of_kubernetes_are_no_settings(monkeypatch):
    monkeypatch.setenv("RIPPLE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("RIPPLE_PORT", "tcp://10.0.0.1:3000")
    assert load() == Settings()
    monkeypatch.setenv("RIPPLE_PORT", "3000")
    with pytest.raises(InputError, match="unknown variable 'RIPPLE_PORT'"):
        load()
