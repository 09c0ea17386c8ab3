import json
import os
import pathlib
import shlex
import subprocess
import urllib.request

import pytest

HERE = pathlib.Path(__file__).parent


class Simulator:
    """The control plane of `datamotion simulate`."""

    def __init__(self, description):
        self.control = description["control"]
        self.clusters = {cluster["name"]: cluster for cluster in description["clusters"]}

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.control + path, data, method=method)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        return json.loads(content) if answer.headers["Content-Type"] == "application/json" else content

    def advance(self, **time):
        units = {"hours": 3_600_000, "minutes": 60_000, "seconds": 1000}
        self.ask("POST", "/clock/advance", {"ms": sum(units[unit] * count for unit, count in time.items())})

    def volume(self, cluster, svm, volume):
        return f"/clusters/{cluster}/svms/{svm}/volumes/{volume}"

    def digest(self, *volume):
        return self.ask("GET", self.volume(*volume) + "/digest")["digest"]

    def write(self, *volume, path, text):
        self.ask("POST", self.volume(*volume) + "/files", {"path": path, "text": text})


@pytest.fixture(scope="session")
def running():
    command = shlex.split(os.environ.get("DATAMOTION", "datamotion"))
    arguments = ["simulate", "--scenario", str(HERE / "scenario.yaml"), "--control-port", "0"]
    with subprocess.Popen(command + arguments, stdout=subprocess.PIPE, text=True) as process:
        simulator = Simulator(json.loads(process.stdout.readline()))
        yield simulator, simulator.ask("GET", "/world")
        process.terminate()
    assert process.returncode == 0


@pytest.fixture
def simulator(running):
    """The world as it began."""
    simulator, beginning = running
    simulator.ask("PUT", "/world", beginning)
    return simulator
