#!/usr/bin/env python3
"""Serves the page, and mints the tokens that it asks for.

    python3 examples/web/serve.py

It needs Python 3.9 alone; npm fetches livekit-client once. LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET
name the server whose rooms people may enter; without them the page asks for a server and a token. It listens on
the loopback: everybody who reaches it gets a token.
"""

import argparse
import base64
import functools
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = HERE / "node_modules" / "livekit-client" / "dist" / "livekit-client.esm.mjs"
LIFETIME_S = 600
LARGEST_BODY = 4096


def jwt(secret: str, claims: dict) -> str:
    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return signed + "." + part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def token(key: str, secret: str, room: str, name: str, agent: str) -> str:
    """Lets a guest called `name` into `room`; `agent` is dispatched there by name, unless empty."""
    now = int(time.time())
    video = {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True, "canPublishData": True}
    claims = {"iss": key, "sub": f"guest-{secrets.token_hex(6)}", "name": name, "video": video}
    claims |= {"nbf": now - 10, "exp": now + LIFETIME_S}
    if agent:
        claims["roomConfig"] = {"agents": [{"agentName": agent}]}
    return jwt(secret, claims)


class Page(http.server.SimpleHTTPRequestHandler):
    """Files of this directory, and `token` as LiveKit's frontends ask for it."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def __init__(self, *args, agent: str, **kwargs):
        self.agent = agent
        self.livekit = [os.environ.get(f"LIVEKIT_{name}", "") for name in ("URL", "API_KEY", "API_SECRET")]
        super().__init__(*args, directory=str(HERE), **kwargs)

    def do_GET(self):
        if self.path == "/token":
            known = all(self.livekit)
            self.answer(200 if known else 404, {"server_url": self.livekit[0]} if known else {})
        else:
            super().do_GET()

    def do_POST(self):
        url, key, secret = self.livekit
        if self.path != "/token" or not all(self.livekit):
            self.answer(404, "LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set")
            return
        try:
            length = int(self.headers.get("Content-Length", 0))
            if length > LARGEST_BODY:
                raise ValueError("too long")
            asked = json.loads(self.rfile.read(length) or b"{}")
            name, room = str(asked.get("participant_name") or "Guest"), str(asked.get("room_name") or "")
        except (AttributeError, ValueError) as error:
            self.answer(400, f"send a JSON object with room_name and participant_name: {error}")
            return
        room = room or f"room-{secrets.token_hex(4)}"
        self.answer(201, {"server_url": url, "participant_token": token(key, secret, room, name, self.agent)})

    def list_directory(self, path):
        self.send_error(404)

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def answer(self, status: int, body):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):
        if not (args and str(args[1] if len(args) > 1 else "").startswith(("2", "3"))):
            super().log_message(format, *args)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="of the page (8000); 0 chooses one")
    parser.add_argument("--agent", default="", metavar="NAME", help="dispatch the worker of this name to each room")
    args = parser.parse_args()

    if not CLIENT.exists():
        npm = shutil.which("npm")
        if not npm:
            sys.exit(f"livekit-client is missing: install Node.js, then run `npm ci` in {HERE}")
        subprocess.run([npm, "ci"], cwd=HERE, check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), functools.partial(Page, agent=args.agent))
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    if not os.environ.get("LIVEKIT_URL"):
        print("LIVEKIT_URL is not set: the page will ask for a server and a token", file=sys.stderr)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
