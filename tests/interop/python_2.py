"""Drives an MCP server with the official Python SDK, version 2, or with fastmcp's client, which stands on it.

Takes one argument, a JSON plan: {"client", "transport", "command", "url", "env", "era", "steps"}; prints one JSON line
with each step's result or error as it stands on the wire, or with why there was no conversation. A step with a "target"
has a conversation of its own, with another server. What is right is judged by the test that starts this script.
"""

import asyncio
import json
import sys

from mcp import Client, MCPError, StdioServerParameters, types

PLAN = json.loads(sys.argv[1])
FASTMCP = PLAN["client"] == "fastmcp"
LISTS = {
    "tools/list": ("list_tools", "tools"),
    "resources/list": ("list_resources", "resources"),
    "resources/templates/list": ("list_resource_templates", "resourceTemplates"),
    "prompts/list": ("list_prompts", "prompts"),
}


def wire(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


def function(client, name):
    """A function that gives what came over the wire; fastmcp's plain ones give something of its own."""
    return getattr(client, f"{name}_mcp" if FASTMCP else name)


async def pages(client, method):
    name, key = LISTS[method]
    items, cursor, count = [], None, 0
    while True:
        page = await function(client, name)(cursor=cursor, cache_mode="bypass")
        items += wire(page)[key]
        cursor, count = page.next_cursor, count + 1
        if cursor is None:
            return {key: items, "pages": count}


async def call(client, tool, progress=None):
    if FASTMCP:
        return await client.call_tool_mcp(tool["name"], tool["arguments"], progress_handler=progress)
    return await client.call_tool(tool["name"], tool["arguments"], progress_callback=progress)


async def cancelled(client, step):
    """Calls a slow tool, makes another call while it runs, calls the slow one off."""
    slow = asyncio.create_task(call(client, step))
    await asyncio.sleep(0)
    beside = await call(client, step["beside"])
    finished = slow.done()
    slow.cancel()
    await asyncio.wait([slow])
    return {"beside": wire(beside), "finished": wire(slow.result()) if finished else False}


async def run(client, step):
    method = step["method"]
    if method in LISTS:
        return await pages(client, method)
    if method == "resources/read":
        bypass = {} if FASTMCP else {"cache_mode": "bypass"}
        return wire(await function(client, "read_resource")(step["uri"], **bypass))
    if method == "prompts/get":
        return wire(await function(client, "get_prompt")(step["name"], step["arguments"]))
    if method == "completion/complete":
        return wire(await function(client, "complete")(types.PromptReference(name=step["name"]), step["argument"]))
    if method == "cancel":
        return await cancelled(client, step)
    seen = []

    async def progress(value, total, message):
        seen.append([value, total, message])

    result = wire(await call(client, step, progress))
    return result | {"progress": seen}


async def elsewhere(step):
    async with connected(step["target"]) as client:
        return await run(client, step)


async def attempt(client, step):
    try:
        return {"result": await asyncio.wait_for(elsewhere(step) if "target" in step else run(client, step), 30)}
    except MCPError as error:
        return {"error": {"code": error.code, "message": error.message}}
    except Exception as error:  # noqa: BLE001 - whatever the SDK raises is the finding
        return {"raised": innermost(error)}


def innermost(error):
    """What lies under task groups' wrappings."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def connected(target):
    mode = "auto" if PLAN["era"] == "modern" else "legacy"
    transport, url = target["transport"], target["url"]
    if FASTMCP:
        from fastmcp import Client as FastClient
        from fastmcp.client.transports import StdioTransport

        if transport != "stdio":
            return FastClient(url, mode=mode)
        command, *args = target["command"]
        return FastClient(StdioTransport(command, args, env=target["env"], keep_alive=False), mode=mode)
    if transport == "stdio":
        command, *args = target["command"]
        return Client(StdioServerParameters(command=command, args=args, env=target["env"]), mode=mode)
    if transport == "sse":
        from mcp.client.sse import sse_client

        return Client(sse_client(url), mode=mode)
    if transport == "websocket":
        from mcp.client.websocket import websocket_client

        return Client(websocket_client(url), mode=mode)
    return Client(url, mode=mode)


async def main():
    report = None
    try:
        async with connected(PLAN) as client:
            steps = {step["as"]: await attempt(client, step) for step in PLAN["steps"]}
            server = client.server_info
            report = {"protocol": client.protocol_version, "server": wire(server) if server else None, "steps": steps}
    except Exception as error:  # noqa: BLE001
        # What the SDK stumbles over while it closes, after all steps, says nothing about the conversation.
        report = report or {"unable": innermost(error)}
    print(json.dumps(report))


asyncio.run(main())
