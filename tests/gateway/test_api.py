# SPDX-License-Identifier: Apache-2.0
"""The HTTP API: who may, which codes, which bodies; no kernel is needed for most of it."""

import http.client
import re
import socket
import time
import uuid

import pytest

import wire

NONE = "11111111-2222-3333-4444-555555555555"
ROUTES = [
    ("GET", "/api"), ("GET", "/api/status"), ("GET", "/api/me"), ("GET", "/api/kernelspecs"),
    ("GET", "/api/kernelspecs/fake"), ("GET", "/kernelspecs/fake/logo-64x64.png"),
    ("GET", "/api/kernels"), ("POST", "/api/kernels"), ("GET", f"/api/kernels/{NONE}"),
    ("DELETE", f"/api/kernels/{NONE}"), ("POST", f"/api/kernels/{NONE}/interrupt"),
    ("POST", f"/api/kernels/{NONE}/restart"), ("GET", f"/api/kernels/{NONE}/channels"),
    ("GET", "/api/sessions"), ("GET", "/api/contents/x"), ("GET", "/nothing/here"),
    ("GET", "/api/anchorhold/nodes"), ("POST", "/api/anchorhold/nodes"),
    ("GET", "/api/anchorhold/nodes/fake-1"), ("GET", "/api/anchorhold/nodes/fake-1/logs"),
    ("GET", "/api/anchorhold/kernels"), ("GET", "/api/anchorhold/events"),
    ("GET", "/api/anchorhold/projects"), ("GET", "/api/anchorhold/projects/p"),
    ("PUT", "/api/anchorhold/projects/p"), ("PATCH", "/api/anchorhold/projects/p"),
    ("PUT", f"/api/anchorhold/kernels/{NONE}/network"),
    ("GET", f"/api/anchorhold/kernels/{NONE}/usage"),
    ("GET", "/api/anchorhold/cut"), ("PUT", "/api/anchorhold/cut"),
]
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


def error(reply, status, *words):
    assert reply.status == status, reply.body
    body = reply.json()
    assert set(body) == {"message", "reason"}
    for word in words:
        assert word in body["message"], body
    return body


@pytest.mark.parametrize("method,path", ROUTES)
def test_no_route_answers_without_a_token(shared, method, path):
    reply = shared.gateway.call(method, path, token=False)
    error(reply, 401, "token")
    wrong = shared.gateway.call(method, path, token=False,
                                headers={"Authorization": "token " + "0" * 40})
    error(wrong, 401)


@pytest.mark.parametrize("method,path", ROUTES)
def test_preflight_needs_no_token(shared, method, path):
    reply = shared.gateway.call("OPTIONS", path, token=False)
    assert reply.status == 200
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert "authorization" in reply.headers["Access-Control-Allow-Headers"].lower()
    assert "DELETE" in reply.headers["Access-Control-Allow-Methods"]
    assert reply.body == b""


def test_every_way_to_show_a_token(shared):
    import base64
    gateway, token = shared.gateway, shared.gateway.token
    basic = base64.b64encode(f"anyone:{token}".encode()).decode()
    for header in (f"token {token}", f"Token {token}", f"Bearer {token}", f"Basic {basic}"):
        assert gateway.call("GET", "/api", token=False,
                            headers={"Authorization": header}).status == 200, header
    assert gateway.call("GET", f"/api?token={token}", token=False).status == 200
    assert gateway.call("GET", f"/api?x=1&token={token}", token=False).status == 200
    assert gateway.call("GET", f"/t/{token}/api", token=False).status == 200
    for header in (token, f"token {token}x", f"token {token[:-1]}", "Basic !!!", "token", ""):
        assert gateway.call("GET", "/api", token=False,
                            headers={"Authorization": header}).status == 401, header
    assert gateway.call("GET", f"/t/{token.upper()}/api", token=False).status == 404
    assert gateway.call("GET", f"/t/{'0' * 40}/api", token=False).status == 401
    assert gateway.call("GET", f"/t/{token}x/api", token=False).status == 404
    assert gateway.call("GET", "/t/", token=False).status == 404


def test_the_token_is_in_no_log(house):
    house.gateway.call("GET", f"/t/{house.gateway.token}/api", token=False)
    house.gateway.call("GET", f"/api?token={house.gateway.token}", token=False)
    assert house.gateway.token not in house.gateway.log.read_text()


def test_small_answers(shared):
    gateway = shared.gateway
    assert gateway.call("GET", "/api").json() == {"version": "0.1.0"}
    status = gateway.call("GET", "/api/status").json()
    assert set(status) == {"started", "last_activity", "kernels", "connections"}
    assert re.fullmatch(STAMP, status["started"])
    me = gateway.call("GET", "/api/me").json()
    assert me["identity"]["username"] == "admin" and me["permissions"] == {}
    assert gateway.call("GET", "/api/sessions").json() == []
    error(gateway.call("GET", "/api/contents/a/b.ipynb"), 404)
    error(gateway.call("GET", "/kernelspecs/fake/logo-64x64.png"), 404)
    assert gateway.call("HEAD", "/kernelspecs/fake/kernel.js").body == b""
    error(gateway.call("PUT", "/api/kernels", b"{}"), 405)
    error(gateway.call("GET", f"/api/kernels/{NONE}/channels"), 400, "WebSocket")
    # JupyterLab's cache-buster has no name
    assert gateway.call("GET", "/api/kernels?1712345678901").status == 200
    assert gateway.call("GET", "/api/kernels/").status == 200


def test_kernelspecs(shared):
    specs = shared.gateway.call("GET", "/api/kernelspecs").json()
    assert specs["default"] == "python3"
    assert set(specs["kernelspecs"]) == {"python3", "fake"}
    for name, model in specs["kernelspecs"].items():
        assert model["name"] == name and model["resources"] == {}
        spec = model["spec"]
        assert isinstance(spec["argv"], list) and isinstance(spec["env"], dict)
        assert isinstance(spec["display_name"], str) and isinstance(spec["language"], str)
        assert spec["interrupt_mode"] in ("signal", "message")
        assert shared.gateway.call("GET", f"/api/kernelspecs/{name}").json() == model
    error(shared.gateway.call("GET", "/api/kernelspecs/no"), 404, "'no'")


def test_specs_are_remembered_while_no_node_is_up(house):
    node = house.node()
    seen = house.gateway.call("GET", "/api/kernelspecs").json()
    node.close()
    house.gateway.stop()
    house.gateway.start()
    assert house.gateway.call("GET", "/api/kernelspecs").json() == seen
    error(house.gateway.call("POST", "/api/kernels", {"name": "fake"}), 503, "no node")
    house.nodes.clear()


def test_a_kernels_life(shared):
    gateway = shared.gateway
    before = len(gateway.call("GET", "/api/kernels").json())
    begun = time.monotonic()
    reply = gateway.call("POST", "/api/kernels", {"name": "fake"})
    assert time.monotonic() - begun < 2
    model = reply.json()
    assert reply.status == 201
    assert reply.headers["Location"] == f"/api/kernels/{model['id']}"
    assert set(model) >= {"id", "name", "last_activity", "execution_state", "connections"}
    assert model["name"] == "fake" and model["connections"] == 0
    assert model["execution_state"] in ("starting", "idle")
    assert re.fullmatch(STAMP, model["last_activity"])
    assert len(gateway.call("GET", "/api/kernels").json()) == before + 1
    path = f"/api/kernels/{model['id']}"
    assert gateway.call("GET", path).json()["id"] == model["id"]
    reply = gateway.call("POST", path + "/interrupt", b"")
    assert reply.status == 204 and reply.body == b""
    reply = gateway.call("POST", path + "/restart", {})
    assert reply.status == 200 and reply.json()["execution_state"] == "idle"
    own = [k for k in gateway.call("GET", "/api/anchorhold/kernels").json()
           if k["id"] == model["id"]][0]
    assert own["node"] == "fake-1" and own["incarnation"] == 2 and own["state"] == "ready"
    reply = gateway.call("DELETE", path)
    assert reply.status == 204 and reply.body == b""
    for method, what in (("GET", ""), ("DELETE", ""), ("POST", "/interrupt"), ("POST", "/restart")):
        error(gateway.call(method, path + what), 404, model["id"])
    assert uuid.UUID(model["id"]).bytes not in shared.nodes["fake-1"].kernels


def test_location_under_a_capability(shared):
    token = shared.gateway.token
    reply = shared.gateway.call("POST", f"/t/{token}/api/kernels", {"name": "fake"}, token=False)
    assert reply.headers["Location"] == f"/t/{token}/api/kernels/{reply.json()['id']}"
    assert shared.gateway.call("DELETE", reply.headers["Location"], token=False).status == 204


def test_start_bodies(shared):
    gateway = shared.gateway
    started = []
    for body in (b"", b"{}", {"name": None}, {"name": "python3", "path": "/x"},
                 {"name": "fake", "env": None}, {"name": "fake", "env": {}}):
        reply = gateway.call("POST", "/api/kernels", body)
        assert reply.status == 201, (body, reply.body)
        started.append(reply.json())
    assert [k["name"] for k in started] == ["python3"] * 4 + ["fake"] * 2
    for kernel in started:
        assert gateway.call("DELETE", f"/api/kernels/{kernel['id']}").status == 204
    for body, word in ((b"{", "JSON"), (b"[]", "object"), (b"nul", "JSON"), (b"\xff\xfe", "JSON"),
                       (b'{"name":"a","name":"b"}', "duplicate"), ({"name": 7}, "name"),
                       ({"env": 7}, "env"), ({"env": []}, "env"), ({"kernel_id": 7}, "kernel_id"),
                       ({"kernel_id": "x"}, "kernel_id"),
                       ({"kernel_id": str(uuid.UUID(int=0))}, str(uuid.UUID(int=0)))):
        error(gateway.call("POST", "/api/kernels", body), 400, word)
    error(gateway.call("POST", "/api/kernels", {"name": "no such"}), 404, "'no such'")
    error(gateway.call("POST", "/api/kernels", b"[" * 100000), 400)
    error(gateway.call("POST", "/api/kernels", b" " * (1024 * 1024 + 1)), 413)
    assert gateway.call("GET", "/api").status == 200


def test_kernel_id_of_the_client(shared):
    mine = str(uuid.UUID(int=1))
    reply = shared.gateway.call("POST", "/api/kernels", {"name": "fake", "kernel_id": mine})
    assert reply.json()["id"] == mine
    error(shared.gateway.call("POST", "/api/kernels", {"name": "fake", "kernel_id": mine}), 409)
    assert shared.gateway.call("DELETE", f"/api/kernels/{mine}").status == 204


@pytest.mark.parametrize("env,want", [
    ({"KERNEL_MEMORY": "512", "KERNEL_CPUS": "0.5"}, (512, 500)),
    ({"KERNEL_MEMORY": "2G", "KERNEL_CPUS": "250m"}, (2048, 250)),
    ({"KERNEL_MEMORY": "1", "KERNEL_CPUS": "1000"}, (16, 64000)),
    ({"KERNEL_MEMORY": "99999999", "KERNEL_CPUS": "0.0001"}, (256 * 1024, 50)),
    ({"HOME": "/root", "SECRET": "s3cr3t", "KERNEL_UID": "0", "KERNEL_IMAGE": "x"}, (0, 0)),
])
def test_knobs(shared, env, want):
    kernel = shared.start("fake", env=env)
    verb, _, start = [r for r in shared.nodes["fake-1"].requests
                      if r[1] == uuid.UUID(kernel).bytes][0]
    assert verb == wire.START
    assert (start["memory_mib"], start["cpu_milli"]) == want
    assert start["network"] == 1 and start["project"] == "admin"
    assert "s3cr3t" not in shared.gateway.log.read_text()
    shared.gateway.call("DELETE", f"/api/kernels/{kernel}")


@pytest.mark.parametrize("env", [
    {"KERNEL_MEMORY": 5}, {"KERNEL_MEMORY": ""}, {"KERNEL_MEMORY": "-1"}, {"KERNEL_MEMORY": "1e9"},
    {"KERNEL_CPUS": "nan"}, {"KERNEL_CPUS": "`id`"}, {"KERNEL_CPUS": "1 2"},
    {"KERNEL_LAUNCH_TIMEOUT": "soon"}, {"KERNEL_MEMORY": "9" * 5000},
])
def test_knobs_refused(shared, env):
    error(shared.gateway.call("POST", "/api/kernels", {"name": "fake", "env": env}), 400,
          list(env)[0])


@pytest.mark.parametrize("code,status", [
    (wire.E_CAPACITY, 503), (wire.E_REFUSING, 503), (wire.E_SYSTEM, 500), (wire.E_ENVIRONMENT, 404),
])
def test_a_node_that_will_not(house, code, status):
    house.node().refuse_start = code
    reply = house.gateway.call("POST", "/api/kernels", {"name": "fake"})
    error(reply, status, "not started")
    if code == wire.E_SYSTEM:  # its step, and why
        error(reply, status, "system error: workspace: No space left on device")
    assert house.gateway.call("GET", "/api/kernels").json() == []


def test_a_node_without_its_protections_gets_no_kernels(house):
    house.node(missing=["landlock"], state="refusing")
    error(house.gateway.call("POST", "/api/kernels", {"name": "fake"}), 503, "refuse")
    assert house.gateway.call("GET", "/api/anchorhold/nodes/fake-1").json()["missing"] == ["landlock"]


def test_a_full_node(house):
    node = house.node()
    node.kernels_max = 2
    house.rejoin(node)
    house.start(), house.start()
    error(house.gateway.call("POST", "/api/kernels", {"name": "fake"}), 503, "full")


def test_kernels_are_spread(house):
    nodes = [house.node(f"fake-{i}") for i in (1, 2)]
    for _ in range(6):
        house.start()
    assert [len(node.kernels) for node in nodes] == [3, 3]


def test_owners_see_their_own(house, tmp_path):
    import subprocess
    from lib.gateway import program
    house.node()
    out = subprocess.run([program("anchorhold-gateway"), "--add-token", "bob", "--database",
                          str(house.gateway.database)], check=True, capture_output=True, text=True)
    bob = {"Authorization": "token " + out.stdout.split()[1]}
    kernel = house.start()
    call = house.gateway.call
    assert call("GET", "/api/kernels", token=False, headers=bob).json() == []
    for method, what in (("GET", ""), ("DELETE", ""), ("POST", "/restart")):
        error(call(method, f"/api/kernels/{kernel}{what}", token=False, headers=bob), 404)
    own = call("POST", "/api/kernels", {"name": "fake"}, token=False, headers=bob).json()["id"]
    assert [k["id"] for k in call("GET", "/api/kernels", token=False, headers=bob).json()] == [own]
    assert {k["id"] for k in call("GET", "/api/kernels").json()} == {kernel, own}
    for path in ("nodes", "nodes/fake-1", "events", "nodes/fake-1/logs"):
        error(call("GET", f"/api/anchorhold/{path}", token=False, headers=bob), 403)
    error(call("POST", "/api/anchorhold/nodes", {"name": "x"}, token=False, headers=bob), 403)


def raw(gateway, data, timeout=5):
    with socket.create_connection(("127.0.0.1", gateway.http_port), timeout) as s:
        s.sendall(data)
        s.settimeout(timeout)
        got = b""
        try:
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got += more
                if b"\r\n\r\n" in got and b"ontent-length" not in got:
                    break
        except (TimeoutError, ConnectionError):
            pass
        return got


@pytest.mark.parametrize("data", [
    b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\xff\xfe\xfd\r\n\r\n",
    b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n",
    b"GET /api HTTP/1.1\r\nX: " + b"a" * 60000 + b"\r\n\r\n",
    b"POST /api/kernels HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/kernels HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /api/kernels HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET /%00%ff/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /api HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
])
def test_malformed_http(shared, data):
    got = raw(shared.gateway, data, 2)
    assert b" 200 " not in got[:20] and b" 101 " not in got[:20]
    assert shared.gateway.call("GET", "/api").status == 200


def test_keep_alive(shared):
    connection = http.client.HTTPConnection("127.0.0.1", shared.gateway.http_port, timeout=5)
    headers = {"Authorization": f"token {shared.gateway.token}"}
    for method, path, body, status in (
            ("GET", "/api", None, 200), ("POST", "/api/kernels", "{", 400),
            ("POST", "/api/nope", "x" * 5000, 404), ("GET", "/api/kernels", None, 200),
            ("DELETE", f"/api/kernels/{NONE}", None, 404), ("GET", "/api", None, 200)):
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == status
    connection.close()


def test_base_url(tmp_path):
    import subprocess
    from lib.gateway import Gateway, program
    gateway = Gateway(tmp_path)
    process = subprocess.Popen(
        [program("anchorhold-gateway"), "--database", str(gateway.database), "--http",
         f"127.0.0.1:{gateway.http_port}", "--link", f"127.0.0.1:{gateway.link_port}",
         "--base-url", "/fake/path/", "--allow-origin", "https://lab.example"],
        stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                reply = gateway.call("GET", "/fake/path/api/kernels")
                break
            except OSError:
                time.sleep(0.05)
        assert reply.status == 200
        assert reply.headers["Access-Control-Allow-Origin"] == "https://lab.example"
        assert gateway.call("GET", "/api/kernels").status == 404
        assert gateway.call("GET", f"/fake/path/t/{gateway.token}/api", token=False).status == 200
    finally:
        process.terminate()
        assert process.wait(60) == 0
