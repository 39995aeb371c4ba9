# SPDX-License-Identifier: Apache-2.0
"""Starts IPython's kernel as a cell needs it: `python3 -P -m anchorhold_kernel -f FILE`.

Stock ipykernel but for this:
- iopub blocks while its reader is behind; by default libzmq drops there, silently.
- History is kept in memory: the home is a tmpfs that counts against the cell.
- debugpy is imported at the first debug request: at start it costs a fifth of the time.
- No connection hints are printed: nobody can see them.
"""
import asyncio
import sys

import zmq

# To ipykernel.debugger, imported next, there is no debugpy until Kernel._make_debugger().
sys.modules["debugpy"] = None

import ipykernel.debugger  # noqa: E402
from ipykernel.ipkernel import IPythonKernel  # noqa: E402
from ipykernel.kernelapp import IPKernelApp  # noqa: E402
from traitlets import Instance, Type  # noqa: E402
from zmq.eventloop.zmqstream import ZMQStream  # noqa: E402

# Users find it as ever.
del sys.modules["debugpy"]


class Kernel(IPythonKernel):
    """IPythonKernel with a debugger that is made when it is first asked for."""

    debugpy_stream = Instance(ZMQStream, allow_none=True)
    debugger = None

    def _make_debugger(self):
        module = ipykernel.debugger
        module.__spec__.loader.exec_module(module)
        self.debugger = module.Debugger(
            self.log,
            self.debugpy_stream,
            self._publish_debug_event,
            self.debug_shell_socket,
            self.session,
            self.debug_just_my_code,
        )
        # Debug requests are handled in the control thread, whose loop this is.
        self._stopped_poller = asyncio.ensure_future(self.poll_stopped_queue())

    async def poll_stopped_queue(self):
        while self.debugger is not None:
            await self.debugger.handle_stopped_event()

    def dispatch_debugpy(self, msg):
        if self.debugger is not None:
            self.debugger.tcp_client.receive_dap_frame(msg[1].bytes.decode("utf-8"))

    async def do_debug_request(self, msg):
        if self.debugger is None:
            self._make_debugger()
        return await self.debugger.process_request(msg)


class App(IPKernelApp):
    kernel_class = Type(Kernel, klass="ipykernel.kernelbase.Kernel").tag(config=True)

    def _bind_socket(self, s, port):
        if s.type == zmq.PUB:
            s.setsockopt(zmq.XPUB_NODROP, 1)
        return super()._bind_socket(s, port)

    def log_connection_info(self):
        self._ports = {
            "shell": self.shell_port,
            "iopub": self.iopub_port,
            "stdin": self.stdin_port,
            "hb": self.hb_port,
            "control": self.control_port,
        }


if __name__ == "__main__":
    # IPython.terminal names its classes by module: there must be only one copy of this one.
    sys.modules["anchorhold_kernel"] = sys.modules["__main__"]
    App.launch_instance(argv=[*sys.argv[1:], "--HistoryManager.hist_file=:memory:"])
