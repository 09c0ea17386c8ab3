"""Puts the REST client of Cinder's NetApp driver at the disposal of another process.

The clusters come as one JSON argument: {NAME: {"hostname", "port", "username", "password", "vserver", "ssl_cert_path"}}.
Each line on stdin is a call, {"cluster": NAME, "method": "get_snapmirrors", "args": [...]}; each is answered with one
line on stdout, {"result": ...} or {"error": {"type", "code", "message"}}. The client is used as it is installed; only
what is no REST is left out: its SSH connection, and the ZAPI client that it falls back to.
"""
import json
import sys
from unittest import mock

from cinder.volume.drivers.netapp.dataontap.client import client_cmode
from cinder.volume.drivers.netapp.dataontap.client import client_cmode_rest


def connect(options):
    with mock.patch.object(client_cmode_rest.RestClient, '_init_ssh_client'), \
            mock.patch.object(client_cmode, 'Client'):
        return client_cmode_rest.RestClient(
            transport_type='https', api_trace_pattern=None, async_rest_timeout=60, **options)


def answer(clients, call):
    client = clients[call['cluster']]
    try:
        return {'result': getattr(client, call['method'])(*call.get('args', []), **call.get('kwargs', {}))}
    except Exception as error:  # Whatever the client raises is what the other side wants to know.
        return {'error': {
            'type': type(error).__name__,
            'code': str(getattr(error, 'code', '')),
            'message': str(error),
        }}


def main():
    clients = {name: connect(options) for name, options in json.loads(sys.argv[1]).items()}
    print(json.dumps({'result': 'connected'}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(clients, json.loads(line)), default=str), flush=True)


main()
