import java.net.URI;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * Speaks to a relay by Android's WebSocket, set up as React Native's WebSocketModule sets it up: streams, cancels,
 * loses the connection and resumes. Prints what went each way; the token, in DASH_TOKEN, is not printed.
 */
public final class RelayOverOkHttp extends WebSocketListener {
  private static final long WITHIN_SECONDS = 20;

  private final OkHttpClient client =
      new OkHttpClient.Builder()
          .connectTimeout(10, TimeUnit.SECONDS)
          .writeTimeout(10, TimeUnit.SECONDS)
          .readTimeout(0, TimeUnit.MINUTES)
          .build();
  private final URI url;
  private BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private WebSocket socket;

  private RelayOverOkHttp(String url) {
    this.url = URI.create(url);
  }

  public static void main(String[] arguments) throws InterruptedException {
    RelayOverOkHttp relay = new RelayOverOkHttp(arguments[0]);
    relay.connect();
    relay.streamWhole();
    relay.cancelMidway();
    relay.resumeAfterLoss();
    relay.socket.close(1000, null);
    relay.until("closed");
    relay.client.dispatcher().executorService().shutdown();
    relay.client.connectionPool().evictAll();
  }

  private void connect() throws InterruptedException {
    heard = new LinkedBlockingQueue<>();
    Request request =
        new Request.Builder()
            .url(url.toString())
            .addHeader("Authorization", "Bearer " + System.getenv("DASH_TOKEN"))
            .addHeader("Sec-WebSocket-Protocol", "dash-relay.v1")
            .addHeader("origin", "http://" + url.getAuthority())
            .build();
    socket = client.newWebSocket(request, this);
    until("opened");
    until("hello");
  }

  private void streamWhole() throws InterruptedException {
    start("okhttp-whole-000000000001");
    until("done");
  }

  private void cancelMidway() throws InterruptedException {
    start("okhttp-cancel-00000000002");
    until("chunk");
    send("{\"type\":\"cancel\",\"id\":\"okhttp-cancel-00000000002\"}");
    until("cancelled");
  }

  private void resumeAfterLoss() throws InterruptedException {
    String id = "okhttp-resume-00000000003";
    start(id);
    String epoch = field(until("accepted"), "epoch");
    until("chunk");
    String last = until("chunk");
    socket.cancel();
    until("failed");
    connect();
    send(
        String.format(
            "{\"type\":\"resume\",\"id\":\"%s\",\"epoch\":\"%s\",\"after\":%s}",
            id, epoch, field(last, "seq")));
    until("done");
  }

  private void start(String id) {
    send(
        "{\"type\":\"start\",\"id\":\"" + id + "\",\"action\":\"chat\","
            + "\"messages\":[{\"role\":\"user\",\"content\":\"Why is the sky blue?\"}]}");
  }

  private void send(String frame) {
    System.out.println("→ " + frame);
    socket.send(frame);
  }

  /** Prints on the way; what was heard on a connection that is given up is not. */
  private String until(String type) throws InterruptedException {
    for (; ; ) {
      String frame = heard.poll(WITHIN_SECONDS, TimeUnit.SECONDS);
      if (frame == null) throw new IllegalStateException("never heard: " + type);
      boolean lost = type.equals("failed") && !field(frame, "type").equals(type);
      if (!lost) System.out.println("← " + frame);
      if (field(frame, "type").equals(type)) return frame;
      if (field(frame, "type").equals("failed")) throw new IllegalStateException(frame);
    }
  }

  private static String field(String frame, String name) {
    Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]*)").matcher(frame);
    return found.find() ? found.group(1) : "";
  }

  @Override
  public void onOpen(WebSocket from, Response response) {
    tell("opened", "\"protocol\":\"" + response.header("Sec-WebSocket-Protocol") + "\"");
  }

  @Override
  public void onMessage(WebSocket from, String text) {
    heard.add(text);
  }

  @Override
  public void onClosing(WebSocket from, int code, String reason) {
    from.close(code, reason);
  }

  @Override
  public void onClosed(WebSocket from, int code, String reason) {
    tell("closed", "\"code\":" + code);
  }

  @Override
  public void onFailure(WebSocket from, Throwable cause, Response response) {
    tell("failed", "\"cause\":\"" + cause.getClass().getSimpleName() + "\"");
  }

  private void tell(String type, String more) {
    heard.add("{\"type\":\"" + type + "\"," + more + "}");
  }
}
