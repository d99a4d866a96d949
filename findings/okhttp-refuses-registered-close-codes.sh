#!/usr/bin/env bash
# OkHttp 3.13.1 (Debian 12) fails on the WebSocket close codes 1012, 1013 and 1014.
#
# They are registered (service restart, try again later, bad gateway), and servers send them. OkHttp reports a
# ProtocolException through onFailure, as for a broken connection, and the app never learns the code. 1001, 1011 and the
# private range from 4000 on arrive. (The source of OkHttp 5 takes them; apps in the field have what they were built with.)
#
# Output seen:
#   1001 closed, 1011 closed, 1012 ProtocolException, 1013 ProtocolException, 1014 ProtocolException, 4503 closed
set -euo pipefail
for program in javac java node; do
  command -v "$program" >/dev/null || { echo "needs $program" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
jars=/usr/share/java
if [ ! -e "$jars/okhttp.jar" ]; then
  apt-get download -qq libokhttp-java=3.13.1-3 libokio-java >/dev/null
  for package in *.deb; do dpkg -x "$package" .; done
  jars=$work/usr/share/java
fi

cat >serve.mjs <<'EOF'
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const server = createServer();
server.on('upgrade', ({ headers, url }, socket) => {
  const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash('sha1').update(key).digest('base64');
  const code = Number(url.slice(1));
  socket.on('error', () => {});
  socket.write(
    `HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(Buffer.from([0x88, 2, code >> 8, code & 255]));
  socket.once('data', () => socket.end());
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
EOF
cat >Ask.java <<'EOF'
import java.util.concurrent.CompletableFuture;
import okhttp3.*;

public final class Ask {
  public static void main(String[] arguments) throws Exception {
    OkHttpClient client = new OkHttpClient();
    String all = "";
    for (int code : new int[] {1001, 1011, 1012, 1013, 1014, 4503}) {
      CompletableFuture<String> told = new CompletableFuture<>();
      Request request = new Request.Builder().url("http://127.0.0.1:" + arguments[0] + "/" + code).build();
      client.newWebSocket(request, new WebSocketListener() {
        @Override public void onClosing(WebSocket socket, int received, String reason) {
          socket.close(received, null);
          told.complete(received == code ? "closed" : "closed with " + received);
        }
        @Override public void onFailure(WebSocket socket, Throwable cause, Response response) {
          told.complete(cause.getClass().getSimpleName());
        }
      });
      all += (all.isEmpty() ? "" : ", ") + code + " " + told.get();
    }
    System.out.println(all);
    System.exit(0);
  }
}
EOF
node serve.mjs >port &
server=$!
until [ -s port ]; do sleep 0.1; done
javac -cp "$jars/okhttp.jar:$jars/okio.jar" Ask.java
seen=$(java -cp "$jars/okhttp.jar:$jars/okio.jar:." Ask "$(cat port)")
echo "$seen"
[ "$seen" = '1001 closed, 1011 closed, 1012 ProtocolException, 1013 ProtocolException, 1014 ProtocolException, 4503 closed' ]
