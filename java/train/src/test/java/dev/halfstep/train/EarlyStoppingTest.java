package dev.halfstep.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.data.RandomData;
import dev.halfstep.data.Split;
import dev.halfstep.kernel.GradientStatistics;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.ReLU;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Optimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class EarlyStoppingTest {
  private static EpochRecord epoch(int number, double loss, double accuracy) {
    Metrics metrics = new Metrics(loss * 100, 100, accuracy * 100, 100);
    return new EpochRecord(
        number,
        metrics,
        Optional.of(metrics),
        Optional.empty(),
        10,
        10,
        0.1f,
        1,
        new GradientStatistics(0, 0, 0, 0, 0, 0, 0, 0),
        Optional.empty(),
        Map.of());
  }

  /**
   * The number of epochs after which the rule ends a run with these losses and accuracies; 0:
   * never.
   */
  private static int ended(EarlyStopping rule, double[] losses, double[] accuracies) {
    List<EarlyStopping.Rule> parts = rule.rules();
    List<EarlyStopping.State> states = new ArrayList<>();
    parts.forEach(part -> states.add(part.begin()));
    for (int i = 0; i < losses.length; i++) {
      List<Boolean> spent = new ArrayList<>();
      for (int p = 0; p < parts.size(); p++) {
        states.set(p, parts.get(p).next(states.get(p), epoch(i + 1, losses[i], accuracies[i])));
        spent.add(parts.get(p).isSpent(states.get(p)));
      }
      if (rule.isOver(spent)) {
        return i + 1;
      }
    }
    return 0;
  }

  private static int ended(EarlyStopping rule, double... losses) {
    return ended(rule, losses, new double[losses.length]);
  }

  @Test
  void aFlatMetricWithPatience3EndsAfter4Epochs() {
    assertEquals(4, ended(EarlyStopping.on(Metric.VAL_LOSS, 3), 1, 1, 1, 1, 1, 1));
  }

  @Test
  void anImprovementBeginsThePatienceAnew() {
    assertEquals(6, ended(EarlyStopping.on(Metric.VAL_LOSS, 3), 1, 1, 0.9, 1, 0.9, 1, 1));
    assertEquals(0, ended(EarlyStopping.on(Metric.VAL_LOSS, 3), 6, 5, 5, 4, 4, 3));
  }

  @Test
  void anImprovementIsStrictlyBeyondTheDelta() {
    EarlyStopping.Rule rule = EarlyStopping.on(Metric.VAL_LOSS, 2).withMinDelta(0.5);
    assertEquals(3, ended(rule, 2, 1.5, 1.5, 0));
    assertEquals(0, ended(rule, 2, 1.25, 1, 0.5));
  }

  @Test
  void accuraciesImproveUpwards() {
    double[] losses = new double[5];
    EarlyStopping rule = EarlyStopping.on(Metric.VAL_ACCURACY, 2);
    assertEquals(4, ended(rule, losses, new double[] {0.5, 0.6, 0.6, 0.5, 0.9}));
  }

  @Test
  void smoothingFollowsTheMovingAverage() {
    // The averages with 0.5 are 4, 3, 2.5, 2.75, 2.375: one epoch in between is worse than the
    // best.
    EarlyStopping.Rule rule = EarlyStopping.on(Metric.VAL_LOSS, 2).withSmoothing(0.5);
    assertEquals(0, ended(rule, 4, 2, 2, 3, 2));
    EarlyStopping.State state = rule.begin();
    double[] expected = {4, 3, 2.5, 2.75, 2.375};
    double[] losses = {4, 2, 2, 3, 2};
    for (int i = 0; i < 5; i++) {
      state = rule.next(state, epoch(i + 1, losses[i], 0));
      assertEquals(expected[i], state.smoothed(), 1e-12);
    }
  }

  @Test
  void onlyWhatIsBetterThanTheBaselineImproves() {
    EarlyStopping.Rule rule = EarlyStopping.on(Metric.VAL_LOSS, 2).withBaseline(0.5);
    assertEquals(2, ended(rule, 2, 1, 0.4));
    assertEquals(4, ended(rule, 1, 0.4, 0.45, 0.45));
  }

  @Test
  void epochsBeforeTheStartAreNotWatched() {
    EarlyStopping.Rule rule = EarlyStopping.on(Metric.VAL_LOSS, 2).withStartEpoch(4);
    assertEquals(6, ended(rule, 0, 9, 9, 5, 5, 5, 5));
  }

  @Test
  void rulesCombineByAllOrAny() {
    EarlyStopping loss = EarlyStopping.on(Metric.VAL_LOSS, 2);
    EarlyStopping accuracy = EarlyStopping.on(Metric.VAL_ACCURACY, 3);
    double[] losses = {1, 1, 1, 1, 1, 1};
    double[] accuracies = {0.1, 0.2, 0.2, 0.2, 0.2, 0.2};
    assertEquals(5, ended(EarlyStopping.all(loss, accuracy), losses, accuracies));
    assertEquals(3, ended(EarlyStopping.any(loss, accuracy), losses, accuracies));
    EarlyStopping nested = EarlyStopping.any(EarlyStopping.all(loss, accuracy), accuracy);
    assertEquals(5, ended(nested, losses, accuracies));
    assertEquals(3, nested.rules().size());
  }

  @Test
  void aNameThatIsNoMetricIsAnErrorThatListsThem() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Metric.named("val_los"));
    assertEquals(
        "there is no metric val_los: there are train_loss, train_accuracy, val_loss, val_accuracy,"
            + " val_precision, val_recall, val_f1",
        e.getMessage());
    assertEquals(Metric.VAL_ACCURACY, Metric.named("val_accuracy"));
  }

  @Test
  void impossibleRulesAreRefused() {
    EarlyStopping.Rule rule = EarlyStopping.on(Metric.VAL_LOSS, 1);
    assertThrows(IllegalArgumentException.class, () -> EarlyStopping.on(Metric.VAL_LOSS, 0));
    assertThrows(IllegalArgumentException.class, () -> rule.withMinDelta(-1));
    assertThrows(IllegalArgumentException.class, () -> rule.withSmoothing(1));
    assertThrows(IllegalArgumentException.class, () -> rule.withStartEpoch(0));
    assertThrows(IllegalArgumentException.class, EarlyStopping::all);
    assertTrue(EarlyStopping.any(rule).rules().contains(rule));
  }

  private static EpochRecord withoutRows(int number) {
    Metrics none = new Metrics(0, 0, 0, 0);
    return new EpochRecord(
        number,
        none,
        Optional.of(none),
        Optional.of(new Confusion(2, 0, 0, 0, 0)),
        10,
        10,
        0.1f,
        1,
        new GradientStatistics(0, 0, 0, 0, 0, 0, 0, 0),
        Optional.empty(),
        Map.of());
  }

  @Test
  void epochsInWhichNoRowCountedArePassedOver() {
    for (Metric metric : Metric.builtIn()) {
      EarlyStopping.Rule rule = EarlyStopping.on(metric, 1);
      EarlyStopping.State state = rule.begin();
      assertEquals(state, rule.next(state, withoutRows(1)));
    }
  }

  private static final Split DATA = RandomData.learnable(107, 50, 12, 3);

  private static TrainerBuilder trainer() {
    Model model =
        Model.of(
            DATA.train().sampleShape(), Sequential.of(new Linear(9), new ReLU(), new Linear(2)));
    return Trainer.builder(model, DATA.train()).validation(DATA.heldOut()).batchSize(10).seed(4);
  }

  @Test
  void theBestEpochIsChosenByTheMetricThatIsWatched() {
    EarlyStopping f1 = EarlyStopping.on(Metric.VAL_F1, 10);
    EarlyStopping recall = EarlyStopping.on(Metric.VAL_RECALL, 5);
    assertEquals(Metric.VAL_LOSS, trainer().monitored());
    assertEquals(Metric.VAL_F1, trainer().earlyStopping(f1).monitored());
    assertEquals(
        Metric.VAL_RECALL, trainer().earlyStopping(EarlyStopping.all(recall, f1)).monitored());
    assertEquals(
        Metric.VAL_F1,
        trainer().earlyStopping(EarlyStopping.any(EarlyStopping.all(f1), recall)).monitored());
    assertEquals(
        Metric.TRAIN_LOSS, trainer().earlyStopping(f1).monitor(Metric.TRAIN_LOSS).monitored());
  }

  @Test
  void theModelHasTheEpochFromWhichPatienceWasCounted() {
    // With noise in the labels, accuracy and loss are best in different epochs.
    int differ = 0;
    for (long seed = 1; seed <= 5; seed++) {
      TrainerBuilder trainer =
          trainer().seed(seed).optimizer(Optimizer.sgd(0.3).withMomentum(0.9)).epochs(40);
      History history = trainer.earlyStopping(EarlyStopping.on(Metric.VAL_F1, 6)).fit();
      int best = 0;
      int lowest = 0;
      for (int i = 1; i < history.epochs().size(); i++) {
        List<EpochRecord> epochs = history.epochs();
        boolean higher = Metric.VAL_F1.of(epochs.get(i)) > Metric.VAL_F1.of(epochs.get(best));
        best = higher ? i : best;
        boolean lower = Metric.VAL_LOSS.of(epochs.get(i)) < Metric.VAL_LOSS.of(epochs.get(lowest));
        lowest = lower ? i : lowest;
      }
      assertEquals(best + 1, history.bestEpoch());
      if (history.stopReason().kind() == StopReason.Kind.EARLY_STOPPING) {
        assertEquals(best + 6, history.epochs().size() - 1);
      }
      differ += best == lowest ? 0 : 1;
    }
    assertTrue(differ > 0, "a task in which the two metrics agree shows nothing");
  }
}
