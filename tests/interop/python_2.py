"""Drives an MCP server with the official Python SDK, version 2.

Takes one argument, a JSON plan: {"transport", "command", "url", "era", "steps"}; prints one JSON line with each step's
result or error as it stands on the wire. What is right is judged by the test that starts this script.
"""

import asyncio
import json
import sys

from mcp import Client, MCPError, StdioServerParameters, types

PLAN = json.loads(sys.argv[1])
LISTS = {
    "tools/list": ("list_tools", "tools"),
    "resources/list": ("list_resources", "resources"),
    "resources/templates/list": ("list_resource_templates", "resourceTemplates"),
    "prompts/list": ("list_prompts", "prompts"),
}


def wire(value):
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def pages(client, method):
    function, key = LISTS[method]
    items, cursor, count = [], None, 0
    while True:
        page = await getattr(client, function)(cursor=cursor, cache_mode="bypass")
        items += wire(page)[key]
        cursor, count = page.next_cursor, count + 1
        if cursor is None:
            return {key: items, "pages": count}


async def cancelled(client, step):
    """Calls a slow tool, makes another call while it runs, calls the slow one off."""
    slow = asyncio.create_task(client.call_tool(step["name"], step["arguments"]))
    await asyncio.sleep(0)
    beside = await client.call_tool(step["beside"]["name"], step["beside"]["arguments"])
    finished = slow.done()
    slow.cancel()
    await asyncio.wait([slow])
    return {"beside": wire(beside), "finished": finished}


async def run(client, step):
    method = step["method"]
    if method in LISTS:
        return await pages(client, method)
    if method == "ping":
        return wire(await client.send_ping())
    if method == "resources/read":
        return wire(await client.read_resource(step["uri"], cache_mode="bypass"))
    if method == "prompts/get":
        return wire(await client.get_prompt(step["name"], step["arguments"]))
    if method == "completion/complete":
        return wire(await client.complete(types.PromptReference(name=step["name"]), step["argument"]))
    if method == "cancel":
        return await cancelled(client, step)
    seen = []

    async def progress(*values):
        seen.append(values)

    result = wire(await client.call_tool(step["name"], step["arguments"], progress_callback=progress))
    return result | {"progress": len(seen)}


async def attempt(client, step):
    try:
        return {"result": await asyncio.wait_for(run(client, step), 30)}
    except MCPError as error:
        return {"error": {"code": error.code, "message": error.message}}
    except Exception as error:  # noqa: BLE001 - whatever the SDK raises is the finding
        return {"raised": f"{type(error).__name__}: {error}"}


async def main():
    target = PLAN["url"]
    if PLAN["transport"] == "stdio":
        command, *args = PLAN["command"]
        target = StdioServerParameters(command=command, args=args, env=PLAN["env"])
    mode = "auto" if PLAN["era"] == "modern" else "legacy"
    async with Client(target, mode=mode) as client:
        steps = {step["as"]: await attempt(client, step) for step in PLAN["steps"]}
        server = client.server_info
        report = {"protocol": client.protocol_version, "server": wire(server) if server else None, "steps": steps}
    print(json.dumps(report))


asyncio.run(main())
