"""DataMotion for Python: every verb of ontap-data-motion, by `datamotion rpc` (JSON-RPC 2.0 over its standard input and output).

Needs nothing but Python's own library and the `datamotion` command:

    with DataMotion("/etc/cinder/cinder.conf") as motion:
        plan = motion.call("planFailover", selection={"source": "east"})
        motion.call("failover", plan=plan, options={"acknowledge": [loss["id"] for loss in plan["acknowledgements"]]})

Calls may come from any number of threads: each waits for its own answer.
"""

import itertools
import json
import queue
import subprocess
import threading


class DataMotionError(Exception):
    """What a verb reports: a stable code, what was asked of which cluster, and what to do."""

    def __init__(self, message, data=None):
        super().__init__(message)
        self.data = data or {}

    @property
    def code(self):
        return self.data.get("code", "UNKNOWN")

    @property
    def retryable(self):
        return self.data.get("retryable", False)

    @property
    def remedy(self):
        return self.data.get("remedy")

    @property
    def details(self):
        return self.data.get("details", {})


class DataMotion:
    """One `datamotion rpc` process. It ends with the `with` block, after the calls that still run."""

    def __init__(self, config, command=("datamotion",), journal=None, log=None):
        arguments = [*command, "rpc", "--config", str(config)]
        if journal is not None:
            arguments += ["--journal", str(journal)]
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8", bufsize=1
        )
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting = {}
        self._listeners = {}
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="datamotion-rpc", daemon=True)
        self._reader.start()

    def call(self, method, on_progress=None, hooks=None, **params):
        """Calls a verb and waits for its result.

        `hooks` maps stopWriters, startWriters or verify to functions of one argument, what it is about. They run in threads of their
        own: what they raise is a no, and a text that they return is the verdict.
        """
        options = dict(params.get("options") or {})
        if on_progress is not None:
            options["progress"] = True
        if hooks:
            options["hooks"] = sorted(hooks)
        if options:
            params["options"] = options
        answers = queue.SimpleQueue()
        number = next(self._ids)
        with self._lock:
            if self._ended:
                raise DataMotionError("the datamotion process has ended", {"code": "CLOSED"})
            self._waiting[number] = answers
            self._listeners[number] = (on_progress, hooks or {})
        try:
            self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            answer = answers.get()
        finally:
            with self._lock:
                self._waiting.pop(number, None)
                self._listeners.pop(number, None)
        if "error" in answer:
            error = answer["error"]
            raise DataMotionError(error["message"], error.get("data"))
        return answer["result"]

    def close(self):
        """Lets the calls that run come to their end, and ends the process."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        code = self._process.wait()
        self._reader.join()
        if self._process.stdout:
            self._process.stdout.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _send(self, document):
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(document) + "\n")
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                raise DataMotionError("the datamotion process has ended", {"code": "CLOSED"}) from None

    def _read(self):
        for line in self._process.stdout:
            message = json.loads(line)
            if "method" in message:
                self._notified(message["method"], message["params"])
                continue
            with self._lock:
                waiting = self._waiting.get(message["id"])
            if waiting is not None:
                waiting.put(message)
        closed = {"message": "the datamotion process has ended", "data": {"code": "CLOSED"}}
        with self._lock:
            self._ended = True
            left = list(self._waiting.values())
        for waiting in left:
            waiting.put({"error": closed})

    def _notified(self, method, about):
        with self._lock:
            on_progress, hooks = self._listeners.get(about["id"], (None, {}))
        if method == "progress" and on_progress is not None:
            on_progress(about)
        elif method == "hook":
            hook = hooks.get(about["hook"])
            threading.Thread(target=self._answer, args=(hook, about), daemon=True).start()

    def _answer(self, hook, about):
        answer = {"question": about["question"], "ok": True}
        try:
            if hook is None:
                raise DataMotionError(f"nobody answers {about['hook']}")
            text = hook(about)
            if text is not None:
                answer["text"] = str(text)
        except Exception as error:  # Whatever a hook raises is its answer.
            answer.update(ok=False, text=f"{type(error).__name__}: {error}")
        # Its own answer, of a method that only takes it, is nobody's concern.
        self._send({"jsonrpc": "2.0", "method": "answerHook", "params": answer})
