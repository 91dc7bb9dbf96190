import pytest

from ripple.environment import own_variables


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RIPPLE_SERVICE_HOST", "10.0.0.1"),
        ("RIPPLE_SERVICE_PORT", "3000"),
        ("RIPPLE_SERVICE_PORT_HTTP", "3000"),
        ("RIPPLE_PORT", "tcp://10.0.0.1:3000"),
        ("RIPPLE_PORT_3000_TCP", "tcp://10.0.0.1:3000"),
        ("RIPPLE_PORT_3000_TCP_PROTO", "tcp"),
        ("RIPPLE_PORT_3000_TCP_PORT", "3000"),
        ("RIPPLE_PORT_53_UDP_ADDR", "10.0.0.1"),
        ("RIPPLE_SERVE_SERVICE_HOST", "10.0.0.1"),
        ("RIPPLE_SERVE_PORT", "tcp://10.0.0.1:3000"),
    ],
)
def test_what_kubernetes_says_of_a_service_is_nobodys_variable(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert name not in own_variables("RIPPLE_")


@pytest.mark.parametrize(
    ("name", "value"),
    [("RIPPLE_PORT", "3000"), ("ripple_seed", "3"), ("RIPPLE_HOST", "x"), ("RIPPLE_SEDD", "")],
)
def test_other_variables_of_the_prefix_are_own(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTHER_SEED", "3")
    assert own_variables("RIPPLE_")[name.upper()] == value
    assert "OTHER_SEED" not in own_variables("RIPPLE_")
