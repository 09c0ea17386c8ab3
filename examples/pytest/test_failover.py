import urllib.error

import pytest
from failover import fail_over, mirror_of

SOURCE = ("berlin", "prod", "orders")
MIRROR = ("vienna", "dr", "orders")


def test_the_mirror_has_what_the_source_had(simulator):
    before = simulator.digest(*SOURCE)
    simulator.ask("POST", "/clusters/berlin/kill")
    lag = fail_over(simulator.clusters["vienna"], "dr:orders")
    simulator.advance(seconds=5)
    assert lag == "PT20M"
    assert mirror_of(simulator.clusters["vienna"], "dr:orders")["state"] == "broken_off"
    assert simulator.digest(*MIRROR) == before
    simulator.write(*MIRROR, path="/data/after", text="business goes on")


def test_what_was_written_since_the_last_update_is_not_there(simulator):
    simulator.write(*SOURCE, path="/data/late", text="too late")
    fail_over(simulator.clusters["vienna"], "dr:orders")
    simulator.advance(seconds=5)
    assert simulator.digest(*MIRROR) != simulator.digest(*SOURCE)


def test_the_hourly_update_carries_it(simulator):
    simulator.write(*SOURCE, path="/data/early", text="in time")
    simulator.advance(hours=1)
    fail_over(simulator.clusters["vienna"], "dr:orders")
    simulator.advance(seconds=5)
    assert simulator.digest(*MIRROR) == simulator.digest(*SOURCE)


def test_a_source_that_is_gone_for_36_hours_shows_in_the_lag(simulator):
    simulator.ask("POST", "/clusters/berlin/kill", {"forMs": 36 * 3_600_000})
    simulator.advance(hours=35)
    mirror = mirror_of(simulator.clusters["vienna"], "dr:orders")
    assert (mirror["lag_time"], mirror["healthy"]) == ("P1DT11H20M", False)


def test_an_overloaded_cluster_is_no_surprise(simulator):
    simulator.ask("POST", "/clusters/vienna/faults", {"kind": "http", "status": 503})
    with pytest.raises(urllib.error.HTTPError) as failure:
        fail_over(simulator.clusters["vienna"], "dr:orders")
    assert failure.value.code == 503
