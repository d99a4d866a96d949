"""Opens one WebSocket after another by the package `websockets` and prints how each ended, a JSON object a line."""

import asyncio
import json
import sys

import websockets


async def close_of(url: str, asked: str) -> dict:
    async with websockets.connect(url + asked) as connection:
        try:
            await connection.recv()
        except websockets.ConnectionClosed as closed:
            frame = closed.rcvd
            code, reason = (frame.code, frame.reason) if frame else (1006, "")
            silent = isinstance(closed, websockets.ConnectionClosedOK)
            return {"asked": asked, "code": code, "reason": reason, "silent": silent}
    raise RuntimeError("it was not closed")


async def main(url: str, codes: list) -> None:
    for code in codes:
        print(json.dumps(await close_of(url, code)))


asyncio.run(main(sys.argv[1], sys.argv[2:]))
