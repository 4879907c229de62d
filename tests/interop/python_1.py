"""Drives an MCP server with the official Python SDK, version 1.

Takes one argument, a JSON plan: {"transport", "command", "url", "env", "steps"}; prints one JSON line with each step's
result or error as it stands on the wire, or with why there was no conversation. A step with a "target" has a conversation
of its own, with another server. What is right is judged by the test that starts this script.
"""

import asyncio
import contextlib
import json
import sys

from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.websocket import websocket_client

PLAN = json.loads(sys.argv[1])
LISTS = {
    "tools/list": ("list_tools", "tools"),
    "resources/list": ("list_resources", "resources"),
    "resources/templates/list": ("list_resource_templates", "resourceTemplates"),
    "prompts/list": ("list_prompts", "prompts"),
}


def wire(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def pages(session, method):
    function, key = LISTS[method]
    items, cursor, count = [], None, 0
    while True:
        page = await getattr(session, function)(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
        items += wire(page)[key]
        cursor, count = page.nextCursor, count + 1
        if cursor is None:
            return {key: items, "pages": count}


async def cancelled(session, step):
    """Calls a slow tool, makes another call while it runs, calls the slow one off."""
    number = session._request_id  # the SDK has no call for this, so its next id is read
    slow = asyncio.create_task(session.call_tool(step["name"], step["arguments"]))
    while session._request_id == number:
        await asyncio.sleep(0.01)
    beside = await session.call_tool(step["beside"]["name"], step["beside"]["arguments"])
    finished = slow.done()
    note = types.CancelledNotification(params=types.CancelledNotificationParams(requestId=number, reason="test"))
    await session.send_notification(types.ClientNotification(note))
    slow.cancel()
    return {"beside": wire(beside), "finished": wire(slow.result()) if finished else False}


async def run(session, step):
    method = step["method"]
    if method in LISTS:
        return await pages(session, method)
    if method == "ping":
        return wire(await session.send_ping())
    if method == "resources/read":
        return wire(await session.read_resource(step["uri"]))
    if method == "prompts/get":
        return wire(await session.get_prompt(step["name"], step["arguments"]))
    if method == "completion/complete":
        ref = types.PromptReference(type="ref/prompt", name=step["name"])
        return wire(await session.complete(ref, step["argument"]))
    if method == "cancel":
        return await cancelled(session, step)
    seen = []

    async def progress(value, total, message):
        seen.append([value, total, message])

    result = wire(await session.call_tool(step["name"], step["arguments"], progress_callback=progress))
    return result | {"progress": seen}


async def elsewhere(step):
    async with connected(step["target"]) as (session, _):
        return await run(session, step)


async def attempt(session, step):
    try:
        return {"result": await asyncio.wait_for(elsewhere(step) if "target" in step else run(session, step), 30)}
    except McpError as error:
        return {"error": {"code": error.error.code, "message": error.error.message}}
    except Exception as error:  # noqa: BLE001 - whatever the SDK raises is the finding
        return {"raised": f"{type(error).__name__}: {error}"}


@contextlib.asynccontextmanager
async def connected(target):
    transport = target["transport"]
    if transport == "stdio":
        command, *args = target["command"]
        connection = stdio_client(StdioServerParameters(command=command, args=args, env=target["env"]))
    else:
        connect = {"http": streamable_http_client, "sse": sse_client, "websocket": websocket_client}[transport]
        connection = connect(target["url"])
    async with connection as streams:
        async with ClientSession(*streams[:2]) as session:
            yield session, await session.initialize()


def innermost(error):
    """What lies under task groups' wrappings."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def main():
    report = None
    try:
        async with connected(PLAN) as (session, hello):
            steps = {step["as"]: await attempt(session, step) for step in PLAN["steps"]}
            report = {"protocol": hello.protocolVersion, "server": wire(hello.serverInfo), "steps": steps}
    except Exception as error:  # noqa: BLE001
        # What the SDK stumbles over while it closes, after all steps, says nothing about the conversation.
        report = report or {"unable": innermost(error)}
    print(json.dumps(report))


asyncio.run(main())
