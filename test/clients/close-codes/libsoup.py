"""Opens one WebSocket after another by libsoup 3 and prints how each ended, a JSON object a line."""

import json
import sys

import gi

gi.require_version("Soup", "3.0")
from gi.repository import GLib, Soup  # noqa: E402


def close_of(session: Soup.Session, url: str, asked: str) -> dict:
    loop = GLib.MainLoop()
    outcome = {"asked": asked, "code": None}

    def failed(_connection: Soup.WebsocketConnection, error: GLib.Error) -> None:
        outcome["error"] = error.message

    def closed(connection: Soup.WebsocketConnection) -> None:
        outcome.update(code=connection.get_close_code(), reason=connection.get_close_data())
        loop.quit()

    def opened(_session: Soup.Session, result: object) -> None:
        connection = session.websocket_connect_finish(result)
        outcome["connection"] = connection
        connection.connect("error", failed)
        connection.connect("closed", closed)

    message = Soup.Message.new("GET", url + asked)
    session.websocket_connect_async(message, None, None, GLib.PRIORITY_DEFAULT, None, opened)
    loop.run()
    del outcome["connection"]
    return outcome


for code in sys.argv[2:]:
    print(json.dumps(close_of(Soup.Session(), sys.argv[1], code)))
