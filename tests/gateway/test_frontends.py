# SPDX-License-Identifier: Apache-2.0
"""Unmodified clients against a gateway and a fake node that runs Debian's ipykernel.

The clients' side is that of tests/jupyter; here no node is booted, so it takes seconds.
"""

import asyncio
import importlib.util
import json
import pathlib

import nbformat
import pytest

PATH = pathlib.Path(__file__).resolve().parents[1] / "jupyter" / "test_frontends.py"
SPEC = importlib.util.spec_from_file_location("system_frontends", PATH)
frontends = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(frontends)


def test_nbconvert(shared, tmp_path):
    path = frontends.notebook(tmp_path / "a.ipynb", "x = 20 + 1", "print(x * 2)", "x",
                              "import time; time.sleep(0.5); print('ä', end='')",
                              environment="python3")
    result = frontends.nbconvert(shared.gateway, path)
    assert result.returncode == 0, result.stderr
    assert "unprocessed" not in result.stderr
    cells = nbformat.read(tmp_path / "done.ipynb", 4).cells
    assert cells[1].outputs[0].text == "42\n"
    assert cells[2].outputs[0].data["text/plain"] == "21"
    assert cells[3].outputs[0].text == "ä"
    assert shared.gateway.call("GET", "/api/kernels").json() == []


def test_nbconvert_of_what_fails(shared, tmp_path):
    path = frontends.notebook(tmp_path / "a.ipynb", "1/0", environment="python3")
    result = frontends.nbconvert(shared.gateway, path)
    assert result.returncode != 0 and "ZeroDivisionError" in result.stderr


def test_nbconvert_of_what_kills_its_kernel(shared, tmp_path):
    """A dead kernel ends the run with its reason; it must not hang until a timeout."""
    path = frontends.notebook(tmp_path / "a.ipynb", "import os; os.kill(os.getpid(), 9)",
                              environment="python3")
    result = frontends.nbconvert(shared.gateway, path, timeout=60)
    assert result.returncode != 0
    assert "KernelDied" in result.stderr and "signal 9" in result.stderr


def test_nbconvert_interrupts_at_a_timeout(shared, tmp_path):
    path = frontends.notebook(tmp_path / "a.ipynb", "import time\ntime.sleep(60)", "print('after')",
                              environment="python3")
    result = frontends.nbconvert(shared.gateway, path, "--ExecutePreprocessor.timeout=2",
                                 "--ExecutePreprocessor.interrupt_on_timeout=True",
                                 "--allow-errors", timeout=60)
    assert result.returncode == 0, result.stderr
    cells = nbformat.read(tmp_path / "done.ipynb", 4).cells
    assert cells[0].outputs[0].ename == "KeyboardInterrupt"
    assert cells[1].outputs[0].text == "after\n"


@pytest.mark.parametrize("module,options", frontends.FRONTENDS,
                         ids=[row[0] for row in frontends.FRONTENDS])
def test_gateway_url(shared, tmp_path, module, options):
    with frontends.frontend(module, shared.gateway, tmp_path, *options) as port:
        def call(method, path, body=None):
            with frontends.call(port, method, path, body) as reply:
                return json.loads(reply.read() or b"null")
        assert {"python3", "fake"} <= set(call("GET", "/api/kernelspecs")["kernelspecs"])
        kernel = call("POST", "/api/kernels", {"name": "python3"})["id"]
        reply, text = asyncio.run(frontends.execute(port, kernel, "print(6 * 7)"))
        assert reply["status"] == "ok" and text == "42\n"
        call("POST", f"/api/kernels/{kernel}/interrupt", {})
        assert call("POST", f"/api/kernels/{kernel}/restart", {})["id"] == kernel
        reply, text = asyncio.run(frontends.execute(port, kernel, "print('again')"))
        assert reply["status"] == "ok" and text == "again\n"
        assert [k["id"] for k in call("GET", "/api/kernels")] == [kernel]
        call("DELETE", f"/api/kernels/{kernel}")
        assert call("GET", "/api/kernels") == []
    assert shared.gateway.call("GET", "/api/kernels").json() == []
