# SPDX-License-Identifier: Apache-2.0
"""A debugging session over a kernel's control channel, as JupyterLab's debugger holds one."""

import asyncio
import itertools

from lib.client import Session, text_of

CODE = "x = 42\ny = x + 1\nprint(y)\n"


class Debugger:
    def __init__(self, session):
        self.session, self.sequence = session, itertools.count(1)
        self.replies, self.events, self.executed = {}, [], {}

    async def pump(self, until, timeout=180):
        """Receives until the condition holds; every message is kept where it belongs."""
        async def loop():
            while not until():
                message = await self.session.receive(timeout)
                kind, content = message["header"]["msg_type"], message["content"]
                parent = message["parent_header"].get("msg_id")
                if kind == "debug_reply":
                    self.replies[parent] = content
                elif kind == "debug_event":
                    self.events.append(content)
                elif parent in self.executed:
                    self.executed[parent].append(message)
        await asyncio.wait_for(loop(), timeout)

    async def ask(self, command, **arguments):
        content = {"type": "request", "seq": next(self.sequence), "command": command,
                   "arguments": arguments}
        msg_id = await self.session.send("debug_request", content, "control")
        await self.pump(lambda: msg_id in self.replies)
        reply = self.replies[msg_id]
        assert reply.get("success"), reply
        return reply.get("body") or {}

    async def event(self, name):
        def found():
            return [event for event in self.events if event["event"] == name]
        await self.pump(found)
        return found()[0]["body"]


async def _debug(gateway, kernel):
    session = await Session(gateway, kernel).open()
    debugger = Debugger(session)
    await debugger.ask("initialize", clientID="test", adapterID="", pathFormat="path",
                       linesStartAt1=True, columnsStartAt1=True, supportsVariableType=True,
                       supportsVariablePaging=True, supportsRunInTerminalRequest=True, locale="en")
    await debugger.ask("attach")
    path = (await debugger.ask("dumpCell", code=CODE))["sourcePath"]
    await debugger.ask("setBreakpoints", breakpoints=[{"line": 2}], source={"path": path},
                       sourceModified=False)
    await debugger.ask("configurationDone")
    msg_id = await session.send("execute_request", {
        "code": CODE, "silent": False, "store_history": True, "user_expressions": {},
        "allow_stdin": False, "stop_on_error": True})
    outputs = debugger.executed.setdefault(msg_id, [])
    thread = (await debugger.event("stopped"))["threadId"]
    frame = (await debugger.ask("stackTrace", threadId=thread))["stackFrames"][0]
    scope = (await debugger.ask("scopes", frameId=frame["id"]))["scopes"][0]
    variables = (await debugger.ask(
        "variables", variablesReference=scope["variablesReference"]))["variables"]
    await debugger.ask("continue", threadId=thread)
    await debugger.pump(lambda: any(m["channel"] == "shell" for m in outputs) and
                        text_of(m for m in outputs if m["channel"] == "iopub"))
    await debugger.ask("disconnect", restart=False, terminateDebuggee=False)
    session.close()
    reply = next(m for m in outputs if m["channel"] == "shell")
    return {"stopped": frame["line"] == 2,
            "x": next(v["value"] for v in variables if v["name"] == "x"),
            "status": reply["content"]["status"],
            "text": text_of(m for m in outputs if m["channel"] == "iopub").strip()}


def debug_a_cell(gateway, kernel):
    return asyncio.run(_debug(gateway, kernel))
