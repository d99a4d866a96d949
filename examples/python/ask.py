"""Asks one question and prints the answer as it is written: python3 ask.py "Why is the sky blue?"

Ctrl-C stops the model. A lost connection is opened again, and the answer goes on where it stopped.
PROTOCOL.md says what the frames mean; this is all that a client has to do.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid

import websockets

URL = os.environ.get("DASH_RELAY_URL", "http://127.0.0.1:8787")
RECONNECT_SECONDS = 120  # the relay keeps an ended answer no longer
MAX_PAUSE_SECONDS = 15


class Refused(Exception):
    """The relay said no; the text is for people."""


class Answer:
    """One stream: what was asked, and how far we are. It outlives its connections."""

    def __init__(self, question):
        # Ours to choose, so that asking twice is safe: the same id is the same answer, and the same bill.
        self.id = f"q-{uuid.uuid4()}"
        self.question = question
        self.epoch = None  # known once the relay has accepted
        self.held = 0  # number of the last piece that was printed
        self.ending = None
        self.stopped = False
        self.socket = None

    async def follow(self, socket):
        """Reads to the ending. Returns or raises ConnectionClosed where the connection goes before it."""
        self.socket = socket
        await self.send(self.opening_frame())
        if self.stopped:  # while there was no connection
            await self.send({"type": "cancel", "id": self.id})
        async for message in socket:
            frame = json.loads(message)
            if frame.get("id") == self.id:
                self.take(frame)
            if self.ending:
                return

    def opening_frame(self):
        if self.epoch:
            return {"type": "resume", "id": self.id, "epoch": self.epoch, "after": self.held}
        messages = [{"role": "user", "content": self.question}]
        return {"type": "start", "id": self.id, "action": "chat", "messages": messages}

    def take(self, frame):
        kind = frame["type"]
        if kind in ("accepted", "resumed"):
            self.epoch = frame["epoch"]
        elif kind == "chunk" and frame["seq"] > self.held:  # what we hold already may come again
            self.held = frame["seq"]
            print(printable(frame["content"]), end="", flush=True)
        elif kind in ("done", "cancelled"):
            self.ending = frame
        elif kind == "error" and frame.get("of") != "cancel":
            raise Refused(in_words(frame))

    async def stop(self):
        self.stopped = True
        try:
            await self.send({"type": "cancel", "id": self.id})
        except websockets.ConnectionClosed:
            pass  # said again on the next connection

    async def send(self, frame):
        if self.socket:
            await self.socket.send(json.dumps(frame))


async def ask(question):
    answer = Answer(question)
    loop = asyncio.get_running_loop()

    def on_interrupt():
        # Hanging up would not stop the model: the relay waits a minute for us. So Ctrl-C asks for a stop, and its receipt.
        asyncio.ensure_future(answer.stop())
        loop.remove_signal_handler(signal.SIGINT)  # a second one ends the program at once

    loop.add_signal_handler(signal.SIGINT, on_interrupt)
    attempts = 0
    deadline = time.monotonic() + RECONNECT_SECONDS
    while True:
        held = answer.held
        try:
            token = await asyncio.to_thread(access_token)
            protocols = ["dash-relay.v1", f"bearer.{token}"]
            async with websockets.connect(websocket_url(), subprotocols=protocols) as socket:
                await answer.follow(socket)
        except websockets.InvalidHandshake as error:
            raise_unless_passing(error)
        except (OSError, asyncio.TimeoutError, websockets.ConnectionClosed):
            pass  # a fault of the network, which passes
        if answer.ending:
            return answer.ending
        if answer.held > held:  # it had worked
            attempts, deadline = 0, time.monotonic() + RECONNECT_SECONDS
        if time.monotonic() > deadline:
            raise Refused(f"No relay answers at {URL}. Start one, or set DASH_RELAY_URL.")
        note("\n[no connection, trying again]")
        # All that were cut off in one moment must not come back in one moment.
        await asyncio.sleep(random.uniform(0, min(MAX_PAUSE_SECONDS, 0.5 * 2**attempts)))
        attempts += 1


def access_token():
    """Of the user who asks. Only a relay in development has this route; with real users it is their Supabase token."""
    if "DASH_TOKEN" in os.environ:
        return os.environ["DASH_TOKEN"]
    request = urllib.request.Request(f"{URL}/dev/token", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["access_token"]
    except urllib.error.HTTPError as error:
        raise Refused("This relay issues no development tokens: set DASH_TOKEN.") from error


def websocket_url():
    return URL.rstrip("/").replace("http", "ws", 1) + "/v1/ws"


def raise_unless_passing(error):
    """A refused handshake: 429 and 5xx pass, others do not."""
    # `websockets` gives it in one of two places, before and from version 13.
    response = getattr(error, "response", error)
    status = getattr(response, "status_code", None)
    if status == 401:
        raise Refused("The relay does not know you: set DASH_TOKEN to a token that has not expired.") from error
    if status is not None and status != 429 and status < 500:
        raise Refused(f"The relay refuses the connection ({status}). Is {URL} the right address?") from error


def in_words(frame):
    """`message` is for developers: people are told what they can do."""
    code = frame["code"]
    if code == "quota_exceeded":
        return "Your plan is used up."
    hint = "Please ask again in a moment." if frame["retryable"] else "Asking again will not help."
    reference = f" For support: {frame['requestId']}." if "requestId" in frame else ""
    return f"That did not work ({code}). {hint}{reference}"


def printable(text):
    """A model's text must not be able to clear the screen or rename the window."""
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f"))


def note(text):
    """Beside the answer, which alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def main():
    question = " ".join(sys.argv[1:]) or "Why is the sky blue?"
    try:
        ending = asyncio.run(ask(question))
    except Refused as refused:
        note(f"\n{refused}")
        return 1
    except KeyboardInterrupt:
        return 130  # as shells have it for Ctrl-C
    usage = ending["usage"]
    note(f"\n\n{ending['type']}: {usage['inputTokens']} tokens in, {usage['outputTokens']} out")
    return 0 if ending["type"] == "done" else 130


if __name__ == "__main__":
    sys.exit(main())
