package dev.halfstep.examples;

import dev.halfstep.Device;
import dev.halfstep.data.Characters;
import dev.halfstep.data.Split;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.GELU;
import dev.halfstep.nn.LayerNorm;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.MultiHeadAttention;
import dev.halfstep.nn.PositionEmbedding;
import dev.halfstep.nn.Predictor;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.StepBlock;
import dev.halfstep.train.Budget;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.Trainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** A small transformer (decoder only) that learns to write a text on, character by character. */
public final class CharTransformer {
  private static final int WINDOW = 64; // characters that it sees
  private static final int WIDTH = 128;
  private static final int LAYERS = 4;
  private static final int HEADS = 4;

  private CharTransformer() {}

  /**
   * Trains on nine tenths of a text, prints the loss on the rest, and writes a few lines.
   *
   * @param args a text file in UTF-8; the number of updates (2000)
   */
  public static void main(String[] args) throws IOException {
    if (args.length == 0) {
      System.out.println("give a text file, and perhaps the number of updates");
      return;
    }
    Characters text = Characters.load(Path.of(args[0]));
    int updates = args.length > 1 ? Integer.parseInt(args[1]) : 2000;

    Split parts = text.windows(WINDOW, 0.1); // [samples, 64] tokens and those that follow them
    Sequential layers =
        Sequential.of(new Embedding(text.vocabulary(), WIDTH), new PositionEmbedding(WINDOW));
    for (int i = 0; i < LAYERS; i++) {
      layers =
          layers
              .then(
                  new Residual(Sequential.of(new LayerNorm(), new MultiHeadAttention(HEADS, true))))
              .then(
                  new Residual(
                      Sequential.of(
                          new LayerNorm(), new Linear(4 * WIDTH), new GELU(), new Linear(WIDTH))));
    }
    layers = layers.then(new LayerNorm()).then(new Linear(text.vocabulary())); // [64, vocabulary]
    Model model = Model.ofTokens(parts.train().sampleShape(), layers);
    System.out.printf(
        "%,d characters, %d different ones; %,d parameters%n",
        text.size(), text.vocabulary(), model.parameters().count());

    History history =
        Trainer.builder(model, parts.train())
            .validation(parts.heldOut())
            .optimizer(Optimizer.adamW(0.003))
            .schedule(Schedule.cosine(0.1).withWarmUp(100))
            .session(options -> options.clipNorm(1))
            .batchSize(16)
            .budget(Budget.ofUpdates(updates))
            .seed(1)
            .callbacks(new PrintLosses())
            .fit();
    double loss = history.epochs().get(history.bestEpoch() - 1).validation().orElseThrow().loss();
    System.out.printf("validation loss %.3f nats a character, %.0f s%n", loss, history.seconds());
    System.out.println(write(model, text, 300));
  }

  private static final class PrintLosses implements Callback {
    @Override
    public void stepsEnd(Fit fit, StepBlock steps) {
      System.out.printf(
          "update %4d  training loss %.3f  %.0f s%n",
          fit.updates(), steps.metrics().loss(), fit.seconds());
    }

    @Override
    public void epochEnd(Fit fit, EpochRecord epoch) {
      System.out.printf("validation loss %.3f%n", epoch.validation().orElseThrow().loss());
    }
  }

  /** Draws one character after the other from what the model thinks of the window before it. */
  private static String write(Model model, Characters text, int length) {
    Random random = new Random(1);
    StringBuilder written = new StringBuilder("\n");
    try (Device device = Device.cpu();
        Predictor predictor = Predictor.builder(model).device(device).batchSizes(1).open()) {
      while (written.length() < length) {
        int[] seen = text.tokens(written.substring(Math.max(0, written.length() - WINDOW)));
        int[] window = Arrays.copyOf(seen, WINDOW); // nothing looks at what comes after
        float[] logits = predictor.predict(window); // [1, 64, vocabulary]
        int at = (seen.length - 1) * text.vocabulary();
        written.append(text.text(draw(random, logits, at, text.vocabulary())));
      }
    }
    return written.toString();
  }

  /** A token with the probability that softmax gives it. */
  private static int draw(Random random, float[] logits, int at, int vocabulary) {
    double sum = 0;
    for (int i = 0; i < vocabulary; i++) {
      sum += Math.exp(logits[at + i]);
    }
    double left = random.nextDouble() * sum;
    int token = 0;
    while (token < vocabulary - 1 && (left -= Math.exp(logits[at + token])) > 0) {
      token++;
    }
    return token;
  }
}
