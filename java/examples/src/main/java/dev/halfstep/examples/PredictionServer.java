package dev.halfstep.examples;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.halfstep.Shape;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Predictor;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A web server whose four threads share one predictor, and a client that checks what it answers:
 * samples and scores travel as the bytes of floats.
 */
public final class PredictionServer {
  private static final int INPUTS = 16;

  private PredictionServer() {}

  /**
   * Prints how many answers were those of the model.
   *
   * @param args the number of requests; 400 if there is none
   * @throws IOException if no port can be opened
   */
  public static void main(String[] args) throws IOException {
    int requests = args.length > 0 ? Integer.parseInt(args[0]) : 400;
    Model model =
        Model.of(
                Shape.of(INPUTS),
                Sequential.of(
                    new Linear(64), new ReLU(), new Linear(64), new ReLU(), new Linear(4)))
            .initialize(1);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    try (Predictor predictor = Predictor.builder(model).batchSizes(8).threads(4).open()) {
      server.createContext("/predict", exchange -> answer(exchange, predictor));
      server.setExecutor(threads);
      server.start();
      URI address = URI.create("http://localhost:" + server.getAddress().getPort() + "/predict");
      System.out.printf("%,d bytes for %d threads%n", predictor.bytes(), predictor.threads());

      Random random = new Random(1);
      HttpClient client = HttpClient.newHttpClient();
      List<CompletableFuture<Boolean>> answers = new ArrayList<>();
      for (int i = 0; i < requests; i++) {
        float[] samples = new float[(1 + random.nextInt(20)) * INPUTS]; // [rows, 16]
        for (int k = 0; k < samples.length; k++) {
          samples[k] = (float) random.nextGaussian();
        }
        float[] expected = predictor.predict(samples);
        HttpRequest request =
            HttpRequest.newBuilder(address)
                .POST(BodyPublishers.ofByteArray(bytes(samples)))
                .build();
        answers.add(
            client
                .sendAsync(request, BodyHandlers.ofByteArray())
                .thenApply(response -> Arrays.equals(bytes(expected), response.body())));
      }
      long right = answers.stream().filter(CompletableFuture::join).count();
      System.out.printf("%d of %d answers are the model's, bit for bit%n", right, requests);
    } finally {
      server.stop(0);
      threads.shutdown();
    }
  }

  private static void answer(HttpExchange exchange, Predictor predictor) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      float[] samples = new float[body.length / Float.BYTES];
      ByteBuffer.wrap(body).asFloatBuffer().get(samples);
      byte[] scores = bytes(predictor.predict(samples));
      exchange.sendResponseHeaders(200, scores.length);
      exchange.getResponseBody().write(scores);
    }
  }

  private static byte[] bytes(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }
}
