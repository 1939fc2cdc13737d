package dev.halfstep.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Values;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.Metrics;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.train.StopReason;
import dev.halfstep.train.TestDevice;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** If a loss is not finite, the advice fits the cause, and no row counts as correct. */
@Tag("sim")
final class NotFiniteTest {
  private static final int SAMPLES = 240;

  private static float[] features() {
    float[] x = new float[2 * SAMPLES];
    for (int i = 0; i < x.length; i++) {
      x[i] = (i * 7 % 11) - 5;
    }
    return x;
  }

  private static Dataset data(float[] x) {
    int[] y = new int[SAMPLES];
    Arrays.setAll(y, i -> i % 2);
    return ArrayDataset.of("numbers", Features.of(x, Shape.of(2)), Labels.of(y, 2));
  }

  private static Model model() {
    return Model.of(Shape.of(2), Sequential.of(new Linear(2))).initialize(1);
  }

  private static TrainerBuilder trainer(Dataset data) {
    return Trainer.builder(model(), data)
        .session(session -> session.device(TestDevice.ID))
        .batchSize(2)
        .epochs(2);
  }

  private static String reason(TrainerBuilder trainer) {
    StopReason reason = trainer.fit().stopReason();
    assertEquals(StopReason.Kind.NOT_FINITE, reason.kind());
    return reason.text();
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "BF16", "F16"})
  void aFeatureThatIsNoNumberIsNamed(String type) {
    float[] x = features();
    x[2 * 17 + 1] = Float.NaN;
    String text = reason(trainer(data(x)).session(session -> session.storage(DType.valueOf(type))));
    assertTrue(
        text.contains("feature 1 of sample 17 of numbers is NaN: take such samples out"), text);
    assertFalse(text.contains("learning rate"), text);
  }

  @Test
  void aValueThatIsNoNumberIsNamed() {
    float[] values = new float[SAMPLES];
    values[5] = Float.POSITIVE_INFINITY;
    Dataset data =
        ArrayDataset.of(
            "house prices", Features.of(features(), Shape.of(2)), Values.of(values, Shape.of(1)));
    Model model = Model.of(Shape.of(2), Sequential.of(new Linear(1)));
    String text =
        reason(Trainer.builder(model, data).loss(Loss.meanSquaredError()).batchSize(2).epochs(1));
    assertTrue(text.contains("value 0 of sample 5 of house prices is Infinity"), text);
  }

  @Test
  void aFeatureBeyondTheRangeOfF16IsNamedWithTheRange() {
    float[] x = features();
    x[0] = 1e5f;
    String text = reason(trainer(data(x)).session(session -> session.storage(DType.F16)));
    assertTrue(text.contains("feature 0 of sample 0 of numbers is 100000.0"), text);
    assertTrue(text.contains("F16 ends at 65504"), text);
    assertFalse(text.contains("learning rate"), text);
  }

  @Test
  void inTheFirstStepNoLearningRateIsToBlame() {
    float[] x = features();
    for (int i = 0; i < x.length; i++) {
      x[i] = 3e38f;
    }
    String text = reason(trainer(data(x)));
    assertTrue(text.contains("nothing had been updated yet, and the features reach 3"), text);
    Model broken = model();
    broken.set("0.bias", new float[] {Float.NaN, 0});
    String weights = reason(Trainer.builder(broken, data(features())).batchSize(2).epochs(1));
    assertTrue(weights.contains("the weights that the run began with hold NaN"), weights);
  }

  @Test
  void aRateThatIsTooHighIsSaidToBe() {
    String text = reason(trainer(data(features())).optimizer(Optimizer.sgd(1e38)));
    assertTrue(text.endsWith(": a lower learning rate may prevent it"), text);
  }

  @Test
  void validationDataAreLookedAtWhereTheirLossIsNotFinite() {
    float[] x = features();
    x[3] = Float.NEGATIVE_INFINITY;
    Dataset held = data(x).withName("held out");
    String text = reason(trainer(data(features())).validation(held));
    assertTrue(text.contains("the validation loss became NaN in epoch 1"), text);
    assertTrue(text.contains("feature 1 of sample 1 of held out is -Infinity"), text);
  }

  @Test
  void aModelOfNaNHasNothingRight() {
    Model model = model();
    float[] weights = model.weights();
    Arrays.fill(weights, Float.NaN);
    model.weights(weights);
    int[] y = {0, 0, 1, 0};
    Dataset data = ArrayDataset.of("four", Features.of(new float[8], Shape.of(2)), Labels.of(y, 2));
    try (TrainingSession session =
        TrainingSession.builder(model).device(TestDevice.ID).batchSize(2).open()) {
      Metrics metrics = session.evaluate(data);
      assertTrue(Double.isNaN(metrics.loss()));
      assertEquals(0, metrics.accuracy());
      assertEquals(4, metrics.rows());
      Confusion confusion = session.confusion(data);
      assertEquals(0, confusion.count(0, 0) + confusion.count(1, 1));
      assertEquals(0, confusion.recall());
      assertEquals(0, confusion.f1());
    }
    Dataset values =
        ArrayDataset.of(
            "four", Features.of(new float[8], Shape.of(2)), Values.of(new float[8], Shape.of(2)));
    try (TrainingSession session =
        TrainingSession.builder(model)
            .device(TestDevice.ID)
            .loss(Loss.binaryCrossEntropy())
            .batchSize(2)
            .open()) {
      assertEquals(0, session.evaluate(values).accuracy());
    }
  }
}
