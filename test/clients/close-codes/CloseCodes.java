import java.util.concurrent.CountDownLatch;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/** Opens one WebSocket after another by OkHttp and prints how each ended, a JSON object a line. */
public final class CloseCodes extends WebSocketListener {
  private final String asked;
  private final CountDownLatch ended = new CountDownLatch(1);

  private CloseCodes(String asked) {
    this.asked = asked;
  }

  public static void main(String[] arguments) throws InterruptedException {
    OkHttpClient client = new OkHttpClient();
    for (int index = 1; index < arguments.length; index++) {
      CloseCodes listener = new CloseCodes(arguments[index]);
      Request request = new Request.Builder().url(arguments[0] + arguments[index]).build();
      client.newWebSocket(request, listener);
      listener.ended.await();
    }
    client.dispatcher().executorService().shutdown();
    client.connectionPool().evictAll();
  }

  @Override
  public void onClosing(WebSocket socket, int code, String reason) {
    socket.close(code == 1005 ? 1000 : code, reason);
  }

  @Override
  public void onClosed(WebSocket socket, int code, String reason) {
    tell(code + ",\"reason\":\"" + reason + "\"");
  }

  @Override
  public void onFailure(WebSocket socket, Throwable cause, Response response) {
    tell("null,\"error\":\"" + cause.getClass().getSimpleName() + "\"");
  }

  private void tell(String code) {
    System.out.println("{\"asked\":\"" + asked + "\",\"code\":" + code + "}");
    ended.countDown();
  }
}
