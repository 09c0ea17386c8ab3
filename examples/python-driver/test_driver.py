"""python3 -m unittest: the client and the driver against `datamotion simulate`. DATAMOTION names the command, if it is not on the path."""

import json
import os
import pathlib
import shlex
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

import driver
from datamotion import DataMotion, DataMotionError

HERE = pathlib.Path(__file__).parent
COMMAND = shlex.split(os.environ.get("DATAMOTION", "datamotion"))
VOLUMES = [{"id": "1", "host": "node@berlin#orders"}, {"id": "2", "host": "node@berlin#bills"}]


class Simulator:
    def __init__(self, folder):
        arguments = ["simulate", "--scenario", str(HERE / "scenario.yaml"), "--control-port", "0"]
        self.process = subprocess.Popen(COMMAND + arguments, stdout=subprocess.PIPE, text=True)
        described = json.loads(self.process.stdout.readline())
        self.control = described["control"]
        self.config = folder / "cinder.conf"
        self.config.write_text(cinder_conf({cluster["name"]: cluster for cluster in described["clusters"]}))
        self.config.chmod(0o600)

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data, method=method)
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
        return json.loads(content) if answer.headers["Content-Type"] == "application/json" else content

    def put_world(self, world):
        request = urllib.request.Request(self.control + "/world", world, method="PUT")
        urllib.request.urlopen(request).close()

    def kill(self, cluster):
        self.ask("POST", f"/clusters/{cluster}/kill")

    def write(self, cluster, svm, volume, path):
        self.ask("POST", f"/clusters/{cluster}/svms/{svm}/volumes/{volume}/files", {"path": path, "text": "new"})

    def digest(self, cluster, svm, volume):
        return self.ask("GET", f"/clusters/{cluster}/svms/{svm}/volumes/{volume}/digest")["digest"]

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def cinder_conf(clusters):
    lines = ["[DEFAULT]", "enabled_backends = berlin"]
    for name, svm in {"berlin": "prod", "vienna": "dr"}.items():
        cluster = clusters[name]
        address = urllib.parse.urlparse(cluster["url"])
        lines += [
            f"[{name}]",
            "volume_driver = cinder.volume.drivers.netapp.common.NetAppDriver",
            "netapp_storage_protocol = nfs",
            f"netapp_vserver = {svm}",
            f"netapp_server_hostname = {address.hostname}",
            f"netapp_server_port = {address.port}",
            "netapp_transport_type = http",
            f"netapp_login = {cluster['user']}",
            f"netapp_password = {cluster['password']}",
        ]
        if name == "berlin":
            places = ",".join(f"{one}:{one}" for one in cluster["aggregates"])
            lines += [
                "replication_device = backend_id:vienna",
                f"netapp_replication_aggregate_map = backend_id:vienna,{places}",
            ]
    return "\n".join(lines) + "\n"


class Driver(driver.ReplicatedBackend):
    def __init__(self, motion, **settings):
        self.told = []
        self.set_up_replication(motion, "berlin", **settings)

    def stop_writers(self, about):
        self.told.append(("stop", about["backend"], about["volumes"]))

    def start_writers(self, about):
        self.told.append(("start", about["backend"], about["volumes"]))


class DriverTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.simulator = Simulator(pathlib.Path(folder.name))
        cls.addClassCleanup(cls.simulator.close)
        cls.beginning = cls.simulator.ask("GET", "/world")

    def setUp(self):
        """The world as it began, and a client of its own."""
        self.simulator.put_world(self.beginning)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        here = pathlib.Path(folder.name)
        self.log = open(here / "log", "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        self.motion = DataMotion(self.simulator.config, COMMAND, journal=here / "journal", log=self.log)
        self.addCleanup(self.motion.close)

    def test_a_backend_goes_over_and_comes_back_with_its_data(self):
        one = Driver(self.motion)
        one.check_for_setup_error()
        self.assertEqual(
            one.get_replication_stats(),
            {
                "replication_enabled": True,
                "replication_count": 1,
                "replication_targets": ["vienna"],
                "replication_type": "async",
            },
        )
        kept = one.handle_housekeeping_tasks()
        self.assertEqual([entry["ok"] for entry in kept], [True, True])

        with self.assertRaises(driver.exception.InvalidReplicationTarget):
            one.failover_host(None, VOLUMES, "rome")
        failed_over = {"replication_status": "failed-over"}
        expected = [{"volume_id": volume["id"], "updates": failed_over} for volume in VOLUMES]
        self.assertEqual(one.failover_host(None, VOLUMES, "vienna"), ("vienna", expected, []))
        self.assertEqual(one.active_backend_id, "vienna")

        self.simulator.write("vienna", "dr", "orders", "/while-away")
        active, updates, _ = one.failover_host(None, VOLUMES, "default")
        self.assertEqual((active, [update["updates"]["replication_status"] for update in updates]), ("berlin", ["enabled"] * 2))
        self.assertIsNone(one.active_backend_id)
        self.assertIn(("stop", "vienna", ["bills", "orders"]), one.told)
        self.assertEqual(one.told[-1], ("start", "berlin", ["bills", "orders"]))
        self.assertEqual(self.simulator.digest("berlin", "prod", "orders"), self.simulator.digest("vienna", "dr", "orders"))

    def test_writes_that_nobody_accepted_are_not_dropped(self):
        one = Driver(self.motion)
        one.failover_host(None, VOLUMES)
        self.simulator.write("berlin", "prod", "orders", "/late")
        with self.assertRaises(driver.exception.UnableToFailOver) as refused:
            one.failover_host(None, VOLUMES, "default")
        losses = refused.exception.__cause__.details["acknowledgements"]
        self.assertEqual([loss["volume"] for loss in losses], ["orders"])
        self.assertEqual(one.active_backend_id, "vienna")
        told = Driver(self.motion, active_backend_id="vienna", accepted_losses=[loss["id"] for loss in losses])
        self.assertEqual(told.failover_host(None, VOLUMES, "default")[0], "berlin")

    def test_every_verb_with_progress_and_hooks(self):
        steps, clones = [], []

        def verify(clone):
            clones.append(clone["volume"])
            if clone["volume"] == "bills":
                raise ValueError("the books do not balance")
            return "looks good"

        report = self.motion.call(
            "drill", selection={"source": "berlin"}, on_progress=steps.append, hooks={"verify": verify}
        )
        self.assertEqual(report["result"], "failed")
        found = {volume["volume"]: volume for volume in report["volumes"]}
        self.assertEqual(found["orders"]["verdict"], "looks good")
        self.assertIn("ValueError: the books do not balance", found["bills"]["error"]["message"])
        self.assertEqual(sorted(clones), ["bills", "orders"])
        self.assertIn("clone", {step.get("step") for step in steps})

        self.simulator.kill("berlin")
        plan = self.motion.call("planFailover", selection={"source": "berlin"}, options={"contactTimeoutMs": 4000})
        with self.assertRaises(DataMotionError) as refused:
            self.motion.call("failover", plan=plan, options={"contactTimeoutMs": 4000})
        self.assertEqual(refused.exception.code, "FAILOVER_NOT_ACKNOWLEDGED")
        accepted = [loss["id"] for loss in plan["acknowledgements"]]
        report = self.motion.call("failover", plan=plan, options={"contactTimeoutMs": 4000, "acknowledge": accepted})
        self.assertEqual(report["result"], "done")
        self.assertEqual({debt["kind"] for debt in report["debts"]}, {"source-unfenced"})

    def test_a_process_that_ends_is_an_error_of_its_calls(self):
        rounds, ended = [], []

        def keep_house():
            try:
                self.motion.call("keepHouse", on_progress=rounds.append, source="berlin", options={"intervalMs": 50})
            except DataMotionError as error:
                ended.append(error.code)

        thread = threading.Thread(target=keep_house)
        thread.start()
        while not rounds:
            time.sleep(0.05)
        self.motion._process.kill()
        thread.join()
        self.assertEqual(ended, ["CLOSED"])
        with self.assertRaises(DataMotionError):
            self.motion.call("describe")


if __name__ == "__main__":
    unittest.main()
