"""A server for mcp_servers.rs, on the `mcp` package of PyPI: `mcp_server.py [PORT]`.

Without a port it speaks over standard input and output, else over streamable HTTP.
"""

import os
import sys
import time

from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Image
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

server = MCPServer("test")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> str:
    """Adds two numbers."""
    return str(a + b)


@server.tool()
def note(text: str) -> str:
    """Keeps a note."""
    with open(os.environ["NOTES"], "a", encoding="utf-8") as notes:
        notes.write(text + "\n")
    return "kept"


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def fail() -> str:
    """Fails."""
    raise ToolError("the cellar is flooded")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def picture() -> Image:
    """Draws."""
    return Image(data=b"png", format="png")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def facts() -> dict[str, int]:
    """Knows."""
    return {"answer": 42}


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def long() -> str:
    """Talks."""
    return "word " * 1_000_000


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def endless() -> str:
    """Talks on."""
    return "word " * 4_000_000


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def hang() -> str:
    """Hangs."""
    time.sleep(3600)
    return ""


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def process() -> str:
    """Says which process this is."""
    return str(os.getpid())


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def environment(name: str) -> str:
    """Reads the environment."""
    return os.environ.get(name, "(none)")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def header(name: str, context: Context) -> str:
    """Reads the request's headers."""
    return (context.headers or {}).get(name, "(none)")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def die() -> str:
    """Ends the server."""
    os._exit(1)


if len(sys.argv) > 1:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
else:
    server.run("stdio")
