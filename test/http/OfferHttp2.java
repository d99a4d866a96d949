import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

/** Asks a relay by Java's HttpClient, which offers an upgrade to h2c with each request. Prints each answer. */
public final class OfferHttp2 {
  private final HttpClient client = HttpClient.newHttpClient();
  private final String url;

  private OfferHttp2(String url) {
    this.url = url;
  }

  public static void main(String[] arguments) throws Exception {
    OfferHttp2 asking = new OfferHttp2(arguments[0]);
    asking.ask("GET", "/healthz", BodyPublishers.noBody());
    asking.ask("HEAD", "/healthz", BodyPublishers.noBody());
    asking.ask("POST", "/echo", BodyPublishers.ofString("{\"question\":\"why\"}"));
    asking.ask("GET", "/healthz", BodyPublishers.noBody());
  }

  private void ask(String method, String path, BodyPublisher body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + path))
            .header("Content-Type", "application/json")
            .method(method, body)
            .build();
    HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
    System.out.println(method + " " + answer.statusCode() + " " + answer.body());
  }
}
