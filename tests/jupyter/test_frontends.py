# SPDX-License-Identifier: Apache-2.0
"""Unmodified clients: nbconvert, jupyter_server 1.23 and notebook 6.4 behind the gateway."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid

import nbformat
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from lib.gateway import free_port

MANAGER = "jupyter_server.gateway.managers.GatewayKernelManager"
TOKEN = "f00d"


def notebook(path, *sources, environment="python"):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    nb.metadata["kernelspec"] = {"name": environment, "display_name": environment}
    nbformat.write(nb, path)
    return path


def clean_environment(folder, **more):
    """A user's environment of its own, so that no configuration of the machine plays in."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "HOME")
    return dict(os.environ, **{name: str(folder) for name in names}, **more)


def nbconvert(gateway, path, *options, timeout=300):
    environment = clean_environment(path.parent,
                                    JUPYTER_GATEWAY_URL=f"{gateway.url}/t/{gateway.token}")
    return subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", str(path),
         "--output", "done.ipynb", f"--ExecutePreprocessor.kernel_manager_class={MANAGER}",
         "--ExecutePreprocessor.startup_timeout=300",
         *options], env=environment, capture_output=True, text=True, timeout=timeout)


def test_nbconvert_executes_a_notebook(gateway, tmp_path):
    path = notebook(tmp_path / "a.ipynb", "x = 20 + 1", "print(x * 2)", "x")
    result = nbconvert(gateway, path)
    assert result.returncode == 0, result.stderr
    cells = nbformat.read(tmp_path / "done.ipynb", 4).cells
    assert cells[1].outputs[0].text == "42\n"
    assert cells[2].outputs[0].data["text/plain"] == "21"
    assert gateway.call("GET", "/api/kernels").json() == []


def test_nbconvert_shows_a_failing_cell(gateway, tmp_path):
    path = notebook(tmp_path / "a.ipynb", "1/0")
    result = nbconvert(gateway, path)
    assert result.returncode != 0
    assert "ZeroDivisionError" in result.stderr


def test_nbconvert_rich_output(gateway, tmp_path):
    path = notebook(tmp_path / "a.ipynb",
                    "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))")
    assert nbconvert(gateway, path).returncode == 0
    cells = nbformat.read(tmp_path / "done.ipynb", 4).cells
    assert cells[0].outputs[0].data["text/html"] == "<b>bold</b>"


@contextlib.contextmanager
def frontend(module, gateway, folder, *options):
    port = free_port()
    environment = clean_environment(folder, JUPYTER_GATEWAY_AUTH_TOKEN=gateway.token)
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--no-browser", "--allow-root", f"--port={port}",
         "--port-retries=0", f"--gateway-url={gateway.url}", *options], env=environment,
        cwd=folder, stdout=open(folder / "log", "wb"), stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with call(port, "GET", "/api"):
                    break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError((folder / "log").read_text()) from None
                time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def call(port, method, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method,
                                     data=json.dumps(body).encode() if body is not None else None)
    request.add_header("Authorization", f"token {TOKEN}")
    return urllib.request.urlopen(request, timeout=120)


def request(msg_type, content):
    return {"header": {"msg_id": uuid.uuid4().hex, "session": "s", "username": "u",
                       "msg_type": msg_type, "version": "5.3",
                       "date": "2026-01-01T00:00:00.000000Z"},
            "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
            "content": content}


async def awake(ws):
    """Asks until somebody answers, as JupyterLab does.

    jupyter_server 1.23 forwards through a future that it makes a turn of its loop too late: what
    a client sends at once after the WebSocket is open waits for one that is never done.
    """
    for _ in range(60):
        await ws.write_message(json.dumps(request("kernel_info_request", {})))
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            try:
                message = json.loads(await asyncio.wait_for(ws.read_message(), 2))
            except asyncio.TimeoutError:
                break
            if message["msg_type"] == "kernel_info_reply":
                return
    raise TimeoutError("no kernel_info_reply")


async def execute(port, kernel, code):
    ws = await websocket_connect(HTTPRequest(
        f"ws://127.0.0.1:{port}/api/kernels/{kernel}/channels",
        headers={"Authorization": f"token {TOKEN}"}))
    await awake(ws)
    message = request("execute_request", {"code": code, "silent": False, "store_history": True,
                                          "user_expressions": {}, "allow_stdin": False,
                                          "stop_on_error": True})
    msg_id = message["header"]["msg_id"]
    await ws.write_message(json.dumps(message))
    text, reply, idle = "", None, False
    while reply is None or not idle:
        message = json.loads(await asyncio.wait_for(ws.read_message(), 120))
        if message["parent_header"].get("msg_id") != msg_id:
            continue
        text += message["content"].get("text", "")
        if message["msg_type"] == "execute_reply":
            reply = message["content"]
        idle |= message["content"].get("execution_state") == "idle"
    ws.close()
    return reply, text


FRONTENDS = [
    ("jupyter_server", [f"--ServerApp.token={TOKEN}", "--ServerApp.disable_check_xsrf=True"]),
    ("notebook", [f"--NotebookApp.token={TOKEN}", "--NotebookApp.disable_check_xsrf=True"]),
]


@pytest.mark.parametrize("module,options", FRONTENDS, ids=[f[0] for f in FRONTENDS])
def test_a_frontend_behind_gateway_url(gateway, tmp_path, module, options):
    with frontend(module, gateway, tmp_path, *options) as port:
        with call(port, "GET", "/api/kernelspecs") as reply:
            specs = json.load(reply)["kernelspecs"]
        assert {"python", "lua"} <= set(specs)
        with call(port, "POST", "/api/kernels", {"name": "python"}) as reply:
            kernel = json.load(reply)["id"]
        reply, text = asyncio.run(execute(port, kernel, "print(6 * 7)"))
        assert (reply["status"], text) == ("ok", "42\n")
        with call(port, "POST", f"/api/kernels/{kernel}/interrupt", {}) as done:
            assert done.status == 204
        with call(port, "POST", f"/api/kernels/{kernel}/restart", {}) as done:
            assert done.status == 200
        reply, text = asyncio.run(execute(port, kernel, "print('again')"))
        assert (reply["execution_count"], text) == (1, "again\n")
        with call(port, "DELETE", f"/api/kernels/{kernel}") as done:
            assert done.status == 204
    assert gateway.call("GET", f"/api/kernels/{kernel}").status == 404


def test_the_cli_runs_code_and_notebooks(gateway, tmp_path):
    assert gateway.cli("run", "--environment", "python", "-c", "print(6*7)").stdout == "42\n"
    assert gateway.cli("run", "--environment", "lua", "-c", "print(6*7)").stdout == "42\n"
    path = notebook(tmp_path / "a.ipynb", "x = 2", "print(x)", "1/0", "print('no')")
    result = gateway.cli("run", str(path), check=False)
    assert result.returncode == 1
    assert result.stdout == "2\n"
    assert "ZeroDivisionError" in result.stderr
    listed = json.loads(gateway.cli("--json", "kernel", "list").stdout)
    assert listed == []
    nodes = json.loads(gateway.cli("--json", "node", "list").stdout)
    assert [n["state"] for n in nodes if n["name"] == "node-1"] == ["ready"]
    assert "node-1" in gateway.cli("node", "list").stdout
    assert "hostd" in gateway.cli("logs", "node-1").stdout
