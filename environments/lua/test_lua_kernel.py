# SPDX-License-Identifier: Apache-2.0
"""The Lua kernel from outside, by Debian's own Jupyter client and kernel tests.

    LUA_KERNEL=.../lua-kernel /usr/bin/python3 -m pytest environments/lua/test_lua_kernel.py

LUA_KERNEL_HOSTILE, where set, is the test double; its functions are tried, too. No gateway and no
cell here: what is tested is the kernel's own side of the five sockets.
"""
import json
import os
import queue
import secrets
import signal
import socket
import subprocess
import time

import jupyter_kernel_test
import pytest
import zmq
from jupyter_client import BlockingKernelClient

PROGRAM = os.environ.get("LUA_KERNEL", "")
HOSTILE = os.environ.get("LUA_KERNEL_HOSTILE", "")
TIMEOUT_S = 20

pytestmark = pytest.mark.skipif(not PROGRAM, reason="LUA_KERNEL does not name the program")


class Kernel:
    """A kernel process and a client of it."""

    def __init__(self, folder, program=None):
        self.folder = str(folder)
        self.file = os.path.join(self.folder, "connection-1.json")
        self.connection = {
            "transport": "ipc", "ip": os.path.join(self.folder, "k1"), "shell_port": 1,
            "iopub_port": 2, "stdin_port": 3, "control_port": 4, "hb_port": 5,
            "key": secrets.token_hex(32), "signature_scheme": "hmac-sha256", "kernel_name": "lua",
        }
        with open(self.file, "w", encoding="ascii") as file:
            json.dump(self.connection, file)
        self.process = subprocess.Popen([program or PROGRAM, self.file])
        deadline = time.monotonic() + TIMEOUT_S
        while not os.path.exists(self.path(5)):
            assert self.process.poll() is None, "the kernel ended"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        self.client = self.connect()

    def path(self, port):
        return f"{self.connection['ip']}-{port}"

    def connect(self):
        client = BlockingKernelClient()
        client.load_connection_info(self.connection)
        client.start_channels()
        client.wait_for_ready(timeout=TIMEOUT_S)
        return client

    def control(self, msg_type, content=None, timeout=TIMEOUT_S):
        message = self.client.session.msg(msg_type, content or {})
        self.client.control_channel.send(message)
        while True:
            reply = self.client.get_control_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return reply

    def run(self, code, timeout=TIMEOUT_S, **options):
        """The reply and the iopub messages of one execution."""
        msg_id = self.client.execute(code, **options)
        return self.finish(msg_id, timeout)

    def finish(self, msg_id, timeout=TIMEOUT_S):
        outputs = []
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            if message["content"].get("execution_state") == "idle":
                break
            outputs.append(message)
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"]["msg_id"] == msg_id:
                return reply["content"], outputs

    def started(self, code, **options):
        """Sends code that prints 'started' and then keeps the kernel busy."""
        msg_id = self.client.execute(f"print('started') {code}", **options)
        while True:
            message = self.client.get_iopub_msg(timeout=TIMEOUT_S)
            if message["content"].get("text") == "started\n":
                return msg_id

    def close(self):
        self.client.stop_channels()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def texts(outputs, name="stdout"):
    return "".join(message["content"]["text"] for message in outputs
                   if message["msg_type"] == "stream" and message["content"]["name"] == name)


@pytest.fixture
def kernel(tmp_path):
    made = Kernel(tmp_path)
    yield made
    made.close()


@pytest.fixture
def hostile(tmp_path):
    if not HOSTILE:
        pytest.skip("LUA_KERNEL_HOSTILE does not name the program")
    made = Kernel(tmp_path, HOSTILE)
    yield made
    made.close()


class TestProtocol(jupyter_kernel_test.KernelTests):
    """Debian's python3-jupyter-kernel-test."""

    kernel_name = "lua"
    language_name = "lua"
    file_extension = ".lua"
    code_hello_world = "print('hello, world')"
    code_stderr = "io.stderr:write('oops')"
    completion_samples = [
        {"text": "string.re", "matches": {"string.rep", "string.reverse"}},
        {"text": "loc", "matches": {"local"}},
        {"text": "x = math.hu", "matches": {"math.huge"}},
    ]
    complete_code_samples = ["1", "print('x')", "for i = 1, 2 do end", "x = 3", "function f() end"]
    incomplete_code_samples = ["for i = 1, 2 do", "x = {", "print(", "function f()", "x = [["]
    invalid_code_samples = ["for for", "x = = 1", ")"]
    code_generate_error = "error('boom')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "'a' .. 'b'", "result": "ab"},
        {"code": "{1, x = 2}", "result": "{1, x = 2}"},
        {"code": "y = 5\ny + 1", "result": "6"},
        {"code": "1, nil, true", "result": "1\tnil\ttrue"},
    ]
    code_display_data = [
        {"code": "display{['text/html'] = '<b>x</b>'}", "mime": "text/html"},
        {"code": "display{['application/json'] = {a = {1, 2}}}", "mime": "application/json"},
        {"code": "display(12)", "mime": "text/plain"},
    ]
    code_history_pattern = "6 [*]*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "string.rep"
    code_clear_output = "clear_output(true)"

    @classmethod
    def setUpClass(cls):
        import tempfile
        cls.folder = tempfile.TemporaryDirectory()
        cls.kernel = Kernel(cls.folder.name)
        cls.kc = cls.kernel.client

    @classmethod
    def tearDownClass(cls):
        cls.kernel.close()
        cls.folder.cleanup()


def test_nothing_is_lost_while_the_reader_stalls(kernel):
    """libzmq drops at 1000 messages by default; here the kernel waits instead."""
    count = 20000
    kernel.client.iopub_channel.socket.setsockopt(zmq.RCVHWM, 100)
    msg_id = kernel.client.execute(f"for i = 1, {count} do display(i) end")
    time.sleep(3)
    assert kernel.control("kernel_info_request")["content"]["status"] == "ok"
    reply, outputs = kernel.finish(msg_id, timeout=60)
    assert reply["status"] == "ok"
    shown = [message["content"]["data"]["text/plain"] for message in outputs
             if message["msg_type"] == "display_data"]
    assert shown == [str(i) for i in range(1, count + 1)]


def test_printed_text_is_whole_and_in_order(kernel):
    reply, outputs = kernel.run("for i = 1, 50000 do print(i) end")
    assert texts(outputs) == "".join(f"{i}\n" for i in range(1, 50001))
    assert len(outputs) < 500, "text is not joined into messages of reasonable size"


def test_streams_keep_their_order(kernel):
    _, outputs = kernel.run("for i = 1, 5 do print('o' .. i) io.stderr:write('e', i, '\\n') end")
    got = "".join(m["content"]["text"] for m in outputs if m["msg_type"] == "stream")
    assert got == "".join(f"o{i}\ne{i}\n" for i in range(1, 6))


def test_text_appears_while_the_cell_runs(kernel):
    msg_id = kernel.started("while true do end")
    kernel.control("interrupt_request")
    assert kernel.finish(msg_id)[0]["ename"] == "Interrupted"


def test_bytes_that_are_not_text(kernel):
    _, outputs = kernel.run(r"print('\xff\xfe caf\xc3\xa9 \0.')")
    assert texts(outputs) == "\ufffd\ufffd caf\u00e9 \0.\n"


@pytest.mark.parametrize("code", [
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
    "local f f = function() while true do coroutine.resume(coroutine.create(f)) end end f()",
    "while true do print('x') end",
    "setmetatable({}, {__tostring = function() while true do end end})",
    "local t = setmetatable({}, {__index = function(t, k) while true do end end}) return t.x",
    "io.read()",
])
def test_interrupt(kernel, code):
    client = kernel.client
    if "print" in code:
        msg_id = client.execute(code)
    elif "setmetatable({}, {__tostring" in code:
        msg_id = client.execute(code)
    else:
        msg_id = kernel.started(code, allow_stdin=True)
    time.sleep(0.3)
    assert kernel.control("interrupt_request")["content"]["status"] == "ok"
    reply, outputs = kernel.finish(msg_id)
    assert (reply["status"], reply["ename"]) == ("error", "Interrupted")
    assert outputs[-1]["msg_type"] == "error"
    assert kernel.run("1 + 1")[0]["status"] == "ok"


def test_interrupt_by_signal(kernel):
    msg_id = kernel.started("while true do end")
    kernel.process.send_signal(signal.SIGINT)
    assert kernel.finish(msg_id)[0]["ename"] == "Interrupted"


def test_interrupt_of_nothing(kernel):
    kernel.control("interrupt_request")
    kernel.process.send_signal(signal.SIGINT)
    assert kernel.run("1")[0]["status"] == "ok"


def test_interrupt_of_a_stalled_reader(kernel):
    kernel.client.iopub_channel.socket.setsockopt(zmq.RCVHWM, 10)
    msg_id = kernel.client.execute("while true do display(('x'):rep(1000)) end")
    time.sleep(2)
    kernel.control("interrupt_request")
    assert kernel.finish(msg_id, timeout=60)[0]["ename"] == "Interrupted"


def test_control_and_heartbeat_answer_while_lua_runs(kernel):
    msg_id = kernel.started("while true do end")
    beat = zmq.Context.instance().socket(zmq.REQ)
    beat.connect(f"ipc://{kernel.path(5)}")
    for i in range(20):
        beat.send(b"beat%d" % i)
        assert beat.poll(1000) and beat.recv() == b"beat%d" % i
        assert kernel.control("kernel_info_request", timeout=1)["content"]["status"] == "ok"
    beat.close(0)
    kernel.control("interrupt_request")
    kernel.finish(msg_id)


def test_what_waits_behind_an_error_is_aborted(kernel):
    first = kernel.started("local t = os.clock() + 0.3 while os.clock() < t do end error('x')")
    rest = [kernel.client.execute("1") for _ in range(3)]
    info = kernel.client.kernel_info()
    replies = {}
    while len(replies) < 5:
        message = kernel.client.get_shell_msg(timeout=TIMEOUT_S)
        replies[message["parent_header"]["msg_id"]] = message["content"]["status"]
    assert replies[first] == "error"
    assert [replies[msg_id] for msg_id in rest] == ["aborted"] * 3
    assert replies[info] == "ok"
    assert kernel.run("1")[0]["status"] == "ok"


def test_without_stop_on_error_the_rest_is_run(kernel):
    first = kernel.client.execute("error('x')", stop_on_error=False)
    second = kernel.client.execute("1")
    assert kernel.finish(first)[0]["status"] == "error"
    assert kernel.finish(second)[0]["status"] == "ok"


def test_counts_and_silence(kernel):
    assert kernel.run("1")[0]["execution_count"] == 1
    reply, outputs = kernel.run("x = 2 return x", silent=True)
    assert reply["execution_count"] == 1
    assert [m["msg_type"] for m in outputs if m["msg_type"] != "status"] == []
    assert kernel.run("1", store_history=False)[0]["execution_count"] == 1
    assert kernel.run("1")[0]["execution_count"] == 2


def test_user_expressions(kernel):
    reply, _ = kernel.run("x = 20", user_expressions={"a": "x + 1", "b": "error('no')", "c": "}"})
    got = reply["user_expressions"]
    assert got["a"]["data"]["text/plain"] == "21"
    assert (got["b"]["status"], got["b"]["ename"]) == ("error", "Error")
    assert got["c"]["status"] == "error"


@pytest.mark.parametrize("code,answers,printed", [
    ("print(io.read() .. '!')", ["x"], "x!\n"),
    ("print(io.read('n') + 1)", ["41"], "42\n"),
    ("print(input('name? '), input('word? ', true))", ["a", "b"], "a\tb\n"),
    ("print(io.read('l', 'L'))", ["a", "b"], "a\tb\n\n"),
    ("print(io.read(2))", ["abc"], "ab\n"),
])
def test_input(kernel, code, answers, printed):
    msg_id = kernel.client.execute(code, allow_stdin=True)
    for answer in answers:
        question = kernel.client.get_stdin_msg(timeout=TIMEOUT_S)
        assert question["msg_type"] == "input_request"
        kernel.client.input(answer)
    assert texts(kernel.finish(msg_id)[1]) == printed


def test_input_where_there_is_none(kernel):
    reply, _ = kernel.run("io.read()", allow_stdin=False)
    assert reply["status"] == "error" and "input" in reply["evalue"]


def test_display(kernel):
    _, outputs = kernel.run("""
        display('a', {id = 'one', metadata = {k = 1}})
        display('b', {id = 'one', update = true})
        display(setmetatable({}, {__mimebundle = function() return {['text/html'] = 'h'} end}))
        return setmetatable({}, {__mimebundle = function() return {['image/svg+xml'] = 's'} end})
    """)
    shown = [(m["msg_type"], m["content"]) for m in outputs if "data" in m["content"]]
    assert [kind for kind, _ in shown] == ["display_data", "update_display_data", "display_data",
                                           "execute_result"]
    assert shown[0][1]["transient"] == {"display_id": "one"}
    assert shown[0][1]["metadata"] == {"k": 1}
    assert shown[2][1]["data"] == {"text/html": "h"}
    assert shown[3][1]["data"] == {"image/svg+xml": "s"}


@pytest.mark.parametrize("code,name", [
    ("display{['application/json'] = {print}}", "Error"),
    ("display({['application/json'] = (function() local t = {} t.t = t return t end)()})", "Error"),
    ("display{['text/plain'] = ('x'):rep(20 * 1024 * 1024)}", "Error"),
    ("error({})", "Error"), ("error(nil)", "Error"), ("x.y.z = 1", "Error"),
    ("error(setmetatable({}, {__tostring = function() return 'mine' end}))", "Error"),
    ("('x'):rep(1 << 60)", "Error"), ("local x <const> = 1 x = 2", "SyntaxError"),
    ("local function f() return f() + 1 end return f()", "Error"),
    ("coroutine.wrap(function() error('in') end)()", "Error"),
    ("print(" + "(" * 500 + ")" * 500 + ")", "SyntaxError"),
])
def test_errors(kernel, code, name):
    reply, outputs = kernel.run(code)
    assert (reply["status"], reply["ename"]) == ("error", name)
    assert outputs[-1]["content"]["traceback"] == reply["traceback"]
    assert kernel.run("1")[0]["status"] == "ok"


def test_coroutines_are_as_ever(kernel):
    _, outputs = kernel.run("""
        local co = coroutine.create(function(a) local b = coroutine.yield(a, 1) error({b}) end)
        print(coroutine.resume(co, 'a'))
        local ok, err = coroutine.resume(co, 'b') print(ok, err[1], coroutine.status(co))
        print(coroutine.resume(co))
        local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end)
        print(gen(), gen(), gen(), gen())
        print(select('#', pcall(gen)))
        print(pcall(coroutine.resume, 1), coroutine.isyieldable(), (coroutine.running()))
    """)
    lines = texts(outputs).splitlines()
    assert lines[:4] == ["true\ta\t1", "false\tb\tdead", "false\tcannot resume dead coroutine",
                         "1\t2\t3"]
    assert lines[4] == "2" and lines[5].startswith("false")


def test_comm_of_no_target(kernel):
    message = kernel.client.session.msg("comm_open", {"comm_id": "c", "target_name": "t",
                                                      "data": {}})
    kernel.client.shell_channel.send(message)
    while True:
        got = kernel.client.get_iopub_msg(timeout=TIMEOUT_S)
        if got["msg_type"] == "comm_close":
            assert got["content"]["comm_id"] == "c"
            return


def test_welcome(kernel):
    reader = zmq.Context.instance().socket(zmq.SUB)
    reader.subscribe(b"kernel.")
    reader.connect(f"ipc://{kernel.path(2)}")
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        assert reader.poll(5000)
        topic, *rest = reader.recv_multipart()
        if topic == b"kernel.":
            assert json.loads(rest[2])["msg_type"] == "iopub_welcome"
            assert json.loads(rest[5]) == {"subscription": "kernel."}
            break
    reader.close(0)


def frames_of(kernel, msg_type="kernel_info_request", content=None):
    session = kernel.client.session
    return session.serialize(session.msg(msg_type, content or {}))


BAD = {
    "signature": lambda f: [f[0], b"0" * 64, *f[2:]],
    "no signature": lambda f: [f[0], b"", *f[2:]],
    "no delimiter": lambda f: f[1:],
    "one dict short": lambda f: f[:-1],
    "nothing": lambda f: [b""],
    "junk": lambda f: [os.urandom(64) for _ in range(9)],
    "many parts": lambda f: f + [b""] * 500,
    "many idents": lambda f: [b"x"] * 500 + f,
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("port", [1, 3, 4])
def test_bad_messages_are_ignored(kernel, what, port):
    sender = zmq.Context.instance().socket(zmq.DEALER)
    sender.connect(f"ipc://{kernel.path(port)}")
    for _ in range(20):
        sender.send_multipart(BAD[what](frames_of(kernel)))
    assert sender.poll(200) == 0
    assert kernel.run("1")[0]["status"] == "ok"
    assert kernel.control("kernel_info_request")["content"]["status"] == "ok"
    sender.close(0)


@pytest.mark.parametrize("content", [
    b"[]", b"{", b"{\"code\": 1}", b"{\"code\": \"1\", \"code\": \"2\"}", b"null",
    b"{\"a\":" * 2000 + b"1" + b"}" * 2000, b"\xff", b"{\"code\": \"1\", \"silent\": 7}",
])
def test_bad_contents(kernel, content):
    session = kernel.client.session
    sender = zmq.Context.instance().socket(zmq.DEALER)
    sender.connect(f"ipc://{kernel.path(1)}")
    for kind in ("execute_request", "complete_request", "inspect_request", "history_request",
                 "is_complete_request", "comm_open", "unheard_of_request"):
        dicts = session.serialize(session.msg(kind, {}))[2:5] + [content]
        sender.send_multipart([b"<IDS|MSG>", session.sign(dicts), *dicts])
    assert kernel.run("1")[0]["status"] == "ok"
    sender.close(0)


def test_connections_that_say_nothing(kernel):
    idle = []
    for port in (1, 2, 3, 4, 5):
        for _ in range(20):
            plain = socket.socket(socket.AF_UNIX)
            plain.connect(kernel.path(port))
            plain.send(os.urandom(7))
            idle.append(plain)
    assert kernel.run("1")[0]["status"] == "ok"
    for plain in idle:
        plain.close()


@pytest.mark.parametrize("restart", [False, True])
def test_shutdown(kernel, restart):
    reply = kernel.control("shutdown_request", {"restart": restart})
    assert reply["content"] == {"status": "ok", "restart": restart}
    assert kernel.process.wait(TIMEOUT_S) == 0


def test_shutdown_while_busy(kernel):
    kernel.started("while true do end")
    kernel.control("shutdown_request", {"restart": False})
    assert kernel.process.wait(TIMEOUT_S) == 0


def test_shutdown_on_shell(kernel):
    kernel.client.shell_channel.send(kernel.client.session.msg("shutdown_request",
                                                               {"restart": False}))
    assert kernel.client.get_shell_msg(timeout=TIMEOUT_S)["msg_type"] == "shutdown_reply"
    assert kernel.process.wait(TIMEOUT_S) == 0


def test_shutdown_while_the_reader_stalls(kernel):
    kernel.client.iopub_channel.socket.setsockopt(zmq.RCVHWM, 10)
    kernel.client.execute("while true do display(('x'):rep(1000)) end")
    time.sleep(1)
    kernel.control("shutdown_request", {"restart": False})
    assert kernel.process.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize("code,status", [("os.exit(7)", 7), ("os.exit(true)", 0),
                                         ("os.exit(false)", 1)])
def test_exit(kernel, code, status):
    kernel.client.execute(f"print('last words') {code}")
    while kernel.client.get_iopub_msg(timeout=TIMEOUT_S)["msg_type"] != "stream":
        pass
    assert kernel.process.wait(TIMEOUT_S) == status


def test_terminated(kernel):
    kernel.process.terminate()
    assert kernel.process.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize("change", [
    {"transport": "tcp"}, {"ip": "relative"}, {"ip": "/" + "x" * 200}, {"key": "short"},
    {"key": None}, {"shell_port": "1"}, {"hb_port": 70000}, {"signature_scheme": "hmac-md5"},
])
def test_bad_connection_files(tmp_path, change):
    made = {"transport": "ipc", "ip": str(tmp_path / "k"), "shell_port": 1, "iopub_port": 2,
            "stdin_port": 3, "control_port": 4, "hb_port": 5, "key": "0" * 64,
            "signature_scheme": "hmac-sha256", **change}
    file = tmp_path / "c.json"
    file.write_text(json.dumps(made), encoding="ascii")
    done = subprocess.run([PROGRAM, str(file)], capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 1 and done.stderr.startswith(b"lua-kernel: ")


# The test double: that each of its functions does what the attacks rely on.

def raw_reader(kernel):
    reader = zmq.Context.instance().socket(zmq.SUB)
    reader.subscribe(b"")
    reader.connect(f"ipc://{kernel.path(2)}")
    assert reader.poll(5000), "no iopub_welcome"
    reader.recv_multipart()
    return reader


def raw_run(kernel, reader, code):
    """The raw iopub messages of one execution, and its reply."""
    kernel.client.execute(code)
    got = []
    while True:
        assert reader.poll(TIMEOUT_S * 1000)
        got.append(reader.recv_multipart())
        if got[-1][-1] == b'{"execution_state":"idle"}' and len(got) > 2:
            return got


def signed_ok(kernel, frames):
    at = frames.index(b"<IDS|MSG>")
    return kernel.client.session.sign(frames[at + 2:at + 6]) == frames[at + 1]


def test_hostile_signatures_and_replays(hostile):
    reader = raw_reader(hostile)
    got = raw_run(hostile, reader, "hostile.bad_signature(5) hostile.replay(4)")
    forged = [frames for frames in got if b"forged" in frames[-1] and b"stream" in frames[0]]
    assert len(forged) == 5 and not any(signed_ok(hostile, frames) for frames in forged)
    replayed = [frames for frames in got if b'"replayed' in frames[-1]]
    assert len(replayed) == 4 and all(frames == replayed[0] for frames in replayed)
    reader.close(0)


def test_hostile_floods_and_shapes(hostile):
    reader = raw_reader(hostile)
    got = raw_run(hostile, reader, "hostile.flood(100, 5000) hostile.parts(60, 100) "
                                   "hostile.json_bomb(500) hostile.reply_on(2) "
                                   "hostile.raw(2, 'topic', 'x')")
    assert sum(len(frames[-1]) > 5000 for frames in got) == 100
    assert any(len(frames) == 7 + 60 for frames in got)
    assert any(frames[-1].startswith(b'{"a":{"a":') and signed_ok(hostile, frames)
               for frames in got)
    assert [b"topic", b"x"] in got
    reader.close(0)


def test_hostile_idents(hostile):
    dealer = zmq.Context.instance().socket(zmq.DEALER)
    dealer.connect(f"ipc://{hostile.path(1)}")
    request = frames_of(hostile, "execute_request", {"code": "hostile.wrong_ident('elsewhere')"})
    dealer.send_multipart([b"session", *request])
    assert dealer.poll(5000)
    assert dealer.recv_multipart()[0] == b"elsewhere"
    assert dealer.recv_multipart()[0] == b"session"
    dealer.close(0)


def test_hostile_silence(hostile):
    hostile.client.execute("hostile.mute()")
    hostile.client.execute("1")
    with pytest.raises(queue.Empty):
        hostile.client.get_shell_msg(timeout=1)


def test_hostile_sockets(hostile):
    path = hostile.path(2)
    hostile.run(f"hostile.symlink('/etc/passwd', '{path}')")
    assert os.readlink(path) == "/etc/passwd"
    hostile.run(f"hostile.endless('{path}')")
    plain = socket.socket(socket.AF_UNIX)
    plain.settimeout(5)
    plain.connect(path)
    plain.send(bytes([0xff, *[0] * 8, 0x7f, 3, 0]) + b"NULL" + bytes(48))
    plain.send(b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB")
    received = 0
    while received < 1 << 20:
        received += len(plain.recv(65536))
    plain.close()
    reply, outputs = hostile.run(f"print(hostile.connect('{hostile.path(1)}', 5))")
    assert reply["status"] == "ok" or outputs is not None


def test_hostile_exits(hostile):
    hostile.client.execute("hostile.exit(9)")
    assert hostile.process.wait(TIMEOUT_S) == 9


def test_hostile_signal(hostile):
    hostile.client.execute(f"hostile.signal({int(signal.SIGSEGV)})")
    assert hostile.process.wait(TIMEOUT_S) == -signal.SIGSEGV


def test_the_released_kernel_has_no_such_functions(kernel):
    _, outputs = kernel.run("print(hostile)")
    assert texts(outputs) == "nil\n"
