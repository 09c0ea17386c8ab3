"""The program under test: makes the mirror of a volume writable when its source is lost. It knows ONTAP's API only."""

import base64
import json
import urllib.request


def ask(cluster, method, path, body=None):
    """One request to ONTAP; the JSON of the answer."""
    request = urllib.request.Request(cluster["url"] + "/api" + path, method=method)
    login = f"{cluster['user']}:{cluster['password']}".encode()
    request.add_header("Authorization", "Basic " + base64.b64encode(login).decode())
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(request, data) as answer:
        return json.load(answer)


def mirror_of(cluster, path):
    query = f"?destination.path={path}&fields=state,lag_time,healthy"
    return ask(cluster, "GET", "/snapmirror/relationships" + query)["records"][0]


def fail_over(cluster, path):
    """Breaks the mirror off; returns how much may be lost: the lag."""
    mirror = mirror_of(cluster, path)
    ask(cluster, "PATCH", f"/snapmirror/relationships/{mirror['uuid']}", {"state": "broken_off"})
    return mirror["lag_time"]
