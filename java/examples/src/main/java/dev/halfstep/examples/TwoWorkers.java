package dev.halfstep.examples;

import dev.halfstep.Shape;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Split;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.session.Collective;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Two workers train one network together: each has half of the data and half of every batch, and
 * their gradients are added up before each update. Here they are threads of one process; another
 * {@link Collective} makes them processes or machines.
 */
public final class TwoWorkers {
  private static final int WORKERS = 2;
  private static final int BATCH = 64; // of both together

  private TwoWorkers() {}

  /** Prints the test accuracy, and whether both workers hold the same weights. */
  public static void main(String[] args) {
    Split digits = Digits.generate(4000, 1000, 0);
    List<Collective> collectives = Collective.local(WORKERS, Duration.ofSeconds(60));
    ExecutorService threads = Executors.newFixedThreadPool(WORKERS);
    try {
      List<CompletableFuture<Model>> workers = new ArrayList<>();
      for (Collective collective : collectives) {
        workers.add(CompletableFuture.supplyAsync(() -> train(collective, digits), threads));
      }
      List<Model> models = workers.stream().map(CompletableFuture::join).toList();
      System.out.println(
          "both workers hold the same weights: "
              + Arrays.equals(models.get(0).weights(), models.get(1).weights()));
    } finally {
      threads.shutdown();
    }
  }

  private static Model train(Collective collective, Split digits) {
    int share = digits.train().size() / collective.size();
    int first = collective.rank() * share;
    Dataset mine = digits.train().slice(first, first + share);
    Model model =
        Model.of(
            Shape.of(28, 28, 1),
            Sequential.of(new Flatten(), new Linear(64), new ReLU(), new Linear(10)));
    History history =
        Trainer.builder(model, mine)
            .test(digits.heldOut())
            .optimizer(Optimizer.adamW(0.002))
            .batchSize(BATCH / collective.size())
            .epochs(3)
            .session(options -> options.collective(collective))
            .fit();
    System.out.printf(
        "worker %d of %d: test accuracy %.1f %%%n",
        collective.rank(), collective.size(), 100 * history.test().orElseThrow().accuracy());
    return model;
  }
}
