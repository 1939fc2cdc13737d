package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Stream;
import dev.halfstep.Tensor;
import dev.halfstep.data.ArrayDataset;
import dev.halfstep.data.Csv;
import dev.halfstep.data.CsvData;
import dev.halfstep.data.CsvSamples;
import dev.halfstep.data.CsvTarget;
import dev.halfstep.data.Dataset;
import dev.halfstep.data.Digits;
import dev.halfstep.data.Features;
import dev.halfstep.data.Labels;
import dev.halfstep.data.Split;
import dev.halfstep.files.Safetensors;
import dev.halfstep.graph.Graph;
import dev.halfstep.graph.Operation;
import dev.halfstep.graph.Ops;
import dev.halfstep.kernel.Activation;
import dev.halfstep.kernel.MatmulKernel;
import dev.halfstep.metric.Confusion;
import dev.halfstep.metric.EpochRecord;
import dev.halfstep.metric.Metric;
import dev.halfstep.nn.Embedding;
import dev.halfstep.nn.Flatten;
import dev.halfstep.nn.GELU;
import dev.halfstep.nn.Layer;
import dev.halfstep.nn.Linear;
import dev.halfstep.nn.LoadReport;
import dev.halfstep.nn.Model;
import dev.halfstep.nn.MultiHeadAttention;
import dev.halfstep.nn.Residual;
import dev.halfstep.nn.Sequential;
import dev.halfstep.optim.Loss;
import dev.halfstep.optim.LossScaling;
import dev.halfstep.optim.Optimizer;
import dev.halfstep.report.CurvesFigure;
import dev.halfstep.report.RangeTestReport;
import dev.halfstep.report.Report;
import dev.halfstep.report.RunDescription;
import dev.halfstep.report.StudyFigure;
import dev.halfstep.schedule.BatchSchedule;
import dev.halfstep.schedule.LearningRateScaling;
import dev.halfstep.schedule.Plateau;
import dev.halfstep.schedule.ResponsiveBatch;
import dev.halfstep.schedule.Schedule;
import dev.halfstep.session.TrainingSession;
import dev.halfstep.study.Advisor;
import dev.halfstep.study.BatchSizeStudy;
import dev.halfstep.study.CurveAnalysis;
import dev.halfstep.study.Finding;
import dev.halfstep.study.GradientProbe;
import dev.halfstep.study.LargestBatch;
import dev.halfstep.study.LearningRateFinder;
import dev.halfstep.study.NoiseScale;
import dev.halfstep.study.RulesOfThumb;
import dev.halfstep.train.Budget;
import dev.halfstep.train.Callback;
import dev.halfstep.train.Checkpoints;
import dev.halfstep.train.EarlyStopping;
import dev.halfstep.train.Fit;
import dev.halfstep.train.History;
import dev.halfstep.train.StopReason;
import dev.halfstep.train.Trainer;
import dev.halfstep.train.TrainerBuilder;
import dev.halfstep.train.TrainingPlan;
import dev.halfstep.train.WeightAverage;
import dev.halfstep.train.WeightTrace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The snippets of java/README.md: the guide shows the part of each test before its first empty
 * line. {@link SnippetsTest} compares them.
 */
class GuideTest {
  private static final Split DIGITS = Digits.generate(320, 100, 0);
  private static final int UPDATES = 10; // an epoch, at a batch size of 32

  private final Dataset train = DIGITS.train();
  private final Sequential layers = Sequential.of(new Flatten(), new Linear(10));
  private final Model model = Model.of(train.sampleShape(), layers);
  private final TrainerBuilder trainer =
      Trainer.builder(model, train).validation(DIGITS.heldOut()).epochs(3).seed(1);
  @TempDir private Path folder;

  @Test
  void dataset() {
    float[][] x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    Dataset xor = ArrayDataset.of("xor", Features.of(x), Labels.of(new int[] {0, 1, 1, 0}, 2));

    assertEquals(4, xor.size());
  }

  @Test
  void reports() throws IOException {
    Trainer run = trainer.build();
    History history = run.fit();
    Report.of(run, history).write(folder.resolve("report.json"));
    CurvesFigure.of(history).writePng(folder.resolve("training_curves.png"));

    assertTrue(Files.readString(folder.resolve("report.json")).contains("\"valLoss\" : "));
    assertTrue(Files.size(folder.resolve("training_curves.png")) > 5_000);
  }

  @Test
  void describedReports() {
    Trainer run = trainer.build();
    RunDescription names = RunDescription.of(run).withData("digits").withModel("softmax");
    Report report = Report.of(run, run.fit(), names);
    System.out.println(report.parameters() + " by " + report.optimizer().described());

    assertEquals("digits", report.data());
    assertEquals("softmax", report.model());
  }

  @Test
  void studyReports() throws IOException {
    LearningRateFinder.Result found =
        LearningRateFinder.DEFAULT.withSteps(40).find(trainer.sessionOptions(), train);
    RangeTestReport.of(32, found).write(folder.resolve("rates.json")); // with batches of 32
    StudyFigure.of(found).writePng(folder.resolve("rates.png"));

    assertTrue(Files.readString(folder.resolve("rates.json")).contains("\"batchSize\" : 32"));
    assertTrue(Files.size(folder.resolve("rates.png")) > 5_000);
  }

  @BeforeEach
  void writeHouses() throws IOException {
    StringBuilder sold = new StringBuilder("id;rooms;heating;price\n");
    for (int i = 0; i < 40; i++) {
      sold.append(i).append(';').append(i % 7 == 0 ? "NA" : "" + (2 + i % 5));
      sold.append(i % 3 == 0 ? ";gas;" : ";oil;").append(200 + i % 5 * 50).append('\n');
    }
    Files.writeString(folder.resolve("houses.csv"), sold);
    Files.writeString(folder.resolve("unsold.csv"), "rooms;heating;price\n6;gas;\n2;oil;\n");
  }

  @Test
  void tables() throws IOException {
    CsvData houses =
        Csv.file(folder.resolve("houses.csv"))
            .withSeparator(';')
            .withLabel("price")
            .ignoring("id")
            .withMissing(Csv.Missing.MEDIAN)
            .asRegression()
            .load();
    CsvTarget price = houses.schema().target(); // mean and deviation of the training rows
    Model prices = Model.of(houses.parts().train().sampleShape(), new Linear(price.outputs()));
    Trainer.builder(prices, houses.parts().train())
        .loss(Loss.meanSquaredError())
        .test(houses.parts().heldOut())
        .batchSize(8)
        .epochs(50)
        .fit();
    CsvSamples unsold = CsvSamples.load(folder.resolve("unsold.csv"), houses.schema());
    float[] outputs = prices.predict(unsold.data().toFloats(0, unsold.data().size()));
    System.out.println("the first may cost " + price.value(outputs[0]));

    assertEquals(3, houses.schema().inputs());
    assertTrue(price.value(outputs[0]) > price.value(outputs[1]));
    assertTrue(unsold.data().form().targets().isEmpty());
  }

  @Test
  void drawnParts() {
    Split parts = train.split(0.1, 1); // a tenth of each class, the same for every run
    System.out.println(
        parts.train().size() + " to train on, " + parts.heldOut().size() + " held out");

    assertEquals(32, parts.heldOut().size());
  }

  @Test
  void layerOfOnesOwn() {
    Layer residual = (scope, x) -> Ops.add(x, scope.apply("fc", new Linear(16), x));
    Layer net = Sequential.of(new Linear(16), residual, new GELU(), new Linear(2));

    assertEquals(3 * 2, Model.of(Shape.of(8), net).parameters().list().size());
  }

  @Test
  void softsign() {
    Layer softsign =
        (scope, x) -> Ops.divide(x, Ops.add(Ops.abs(x), Ops.constant(scope.graph(), 1)));

    assertArrayEquals(
        new float[] {0.5f, -0.75f},
        Model.of(Shape.of(2), softsign).initialize(0).predict(new float[] {1, -3}));
  }

  @Test
  void walk() {
    System.out.println(model);
    Graph graph = new Graph(DType.F32, false);
    model.build(graph, graph.input("features", DType.F32, model.sampleShape().prepend(1)));
    for (Graph.Node node : graph.operations()) {
      Operation operation = node.operation();
      System.out.println(node.layer() + " " + operation.name() + " reads " + operation.inputs());
    }

    assertTrue(!graph.operations().isEmpty());
  }

  @Test
  void callback() {
    Callback stopWhenGood =
        new Callback() {
          @Override
          public void epochEnd(Fit fit, EpochRecord epoch) {
            if (epoch.validation().orElseThrow().accuracy() > 0.2) {
              fit.stop("good enough");
            }
          }
        };
    History history = trainer.callbacks(stopWhenGood).fit();

    assertEquals(StopReason.Kind.STOPPED, history.stopReason().kind());
  }

  @Test
  void anotherHead() throws IOException {
    Path file = folder.resolve("digits.safetensors");
    model.initialize(2).save(file, Map.of());
    Sequential withHead = layers.then("head", new Linear(3));
    Model other = Model.of(train.sampleShape(), withHead).initialize(1);
    LoadReport report = other.loadMatching(file); // PyTorch's strict=False
    System.out.println(report); // taken: 1.weight, 1.bias; missing in the file: head.weight, ...
    Safetensors.Entry bias = Safetensors.read(file).tensors().get("1.bias");
    other.set("1.bias", bias); // one tensor, in the layout of files
    Model frozen = other.freeze("1"); // only the head is trained

    assertEquals(List.of("1.weight", "1.bias"), report.taken());
    assertEquals(List.of("head.weight", "head.bias"), report.missing());
    assertArrayEquals(model.get("1.weight"), frozen.get("1.weight"));
  }

  @Test
  void paddedSequences() {
    Layer attention = new Residual(new MultiHeadAttention(2, false));
    Layer words = Sequential.of(new Embedding(100, 16).padding(0), attention, new Linear(5));
    Model tagger = Model.ofTokens(Shape.of(8), words).initialize(1);
    float[] scores = tagger.predict(new int[] {7, 3, 99, 12, 0, 0, 0, 0}); // four words and padding

    float[] others = tagger.predict(new int[] {7, 3, 99, 12, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8});
    assertArrayEquals(scores, Arrays.copyOf(others, scores.length), 1e-5f);
  }

  @Test
  void plan() {
    TrainingPlan plan = trainer.batchSize(32).build().plan();
    System.out.println(plan.updatesPerEpoch() + " updates an epoch");
    System.out.println(plan.step()); // every kernel call of a step, its bytes and FLOPs
    System.out.println(plan.memory().total() + " bytes on the device");

    assertEquals(UPDATES, plan.updatesPerEpoch());
    assertTrue(plan.step().toString().contains("linear"));
  }

  @Test
  void earlyStopping() {
    History history =
        trainer
            .epochs(30)
            .earlyStopping(EarlyStopping.on(Metric.VAL_LOSS, 5).withMinDelta(0.005))
            .fit(); // the model has the weights of history.bestEpoch()

    assertTrue(history.bestEpoch() >= 1, history.stopReason().text());
  }

  @Test
  void severalPatiences() {
    EarlyStopping both =
        EarlyStopping.all(
            EarlyStopping.on(Metric.VAL_LOSS, 5).withSmoothing(0.5),
            EarlyStopping.on(Metric.VAL_ACCURACY, 10));

    assertEquals(3, trainer.earlyStopping(both).fit().epochs().size());
  }

  @Test
  void accumulation() {
    History history =
        trainer
            .batchSize(128) // samples per update
            .session(options -> options.microBatch(32)) // samples computed at once
            .fit();

    assertEquals(3, history.epochs().get(0).steps());
  }

  @Test
  void schedules() {
    Schedule cosine = Schedule.cosine(0.1).withWarmUp(10); // 10 updates up, then down to a tenth
    Schedule step = Schedule.step(10, 0.5); // halved every 10 epochs
    Schedule cyclical = Schedule.cyclical(0.1, 2); // 2 epochs up, 2 down
    Schedule oneCycle = Schedule.oneCycle(); // rate up and down, momentum against it
    Schedule own = progress -> 1 / Math.sqrt(1 + progress.epoch());
    History history = trainer.schedule(cosine).fit();

    Schedule.Progress end = Schedule.Progress.of(29, UPDATES, 3);
    assertEquals(cosine.factor(end) * 0.01, history.epochs().get(2).learningRate(), 1e-8);
    assertEquals(1, step.factor(end));
    assertTrue(cyclical.factor(end) > 0.5 && oneCycle.factor(end) < 0.01 && own.factor(end) < 0.6);
  }

  @Test
  void plateau() {
    History history = trainer.plateau(Plateau.of(Metric.VAL_LOSS, 0.5, 3)).fit();

    assertEquals(0.01f, history.epochs().get(2).learningRate());
  }

  @Test
  void batchSchedules() {
    BatchSchedule warmUp = BatchSchedule.warmUp(16, 2); // 16, 16, 32, 32, 64, 64 ...
    BatchSchedule doubling = BatchSchedule.doublingInsteadOfDecay(10, 20); // the rate stays
    BatchSchedule both = BatchSchedule.doublingWithDecay(10, 20); // the rate is halved too
    History history = trainer.batchSize(64).batchSchedule(warmUp).fit();

    assertEquals(List.of(16, 16, 32), history.epochs().stream().map(e -> e.batchSize()).toList());
    assertEquals(64, doubling.batchSize(10, 30, 32));
    assertEquals(0.25, both.rateFactor(20));
  }

  @Test
  void responsiveBatch() {
    ResponsiveBatch rule = ResponsiveBatch.between(16, 128).withPatience(1);
    History history = trainer.batchSize(16).responsiveBatch(rule).fit();

    assertEquals(16, history.epochs().get(0).batchSize());
    double noise = history.epochs().get(0).noiseScale().orElseThrow();
    int next = noise > 2 * 16 ? 32 : 16;
    assertEquals(next, history.epochs().get(1).batchSize(), "noise scale " + noise);
  }

  @Test
  void measurements() {
    History history = trainer.gradientNoise(true).trace("1.weight", 0).fit();
    for (EpochRecord epoch : history.epochs()) {
      System.out.println(epoch.gradients()); // last step: mean, deviation, norm ...
      System.out.println(epoch.noiseScale() + " samples, signal to noise " + epoch.signalToNoise());
    }
    WeightTrace path = history.traces().get(0); // path.values() at path.steps()

    assertTrue(history.epochs().get(2).gradients().norm() > 0);
    assertTrue(history.epochs().get(0).noiseScale().isPresent());
    assertEquals(0, path.steps().get(0));
    assertEquals(path.steps().size(), path.values().size());
  }

  @Test
  void rulesOfThumb() {
    RulesOfThumb.Range epochs = RulesOfThumb.epochs(60_000, RulesOfThumb.Effort.USUAL); // 20 to 50
    RulesOfThumb.Range batch = // for images, without batch normalisation, if 4,096 would fit
        RulesOfThumb.batchSizes(RulesOfThumb.Task.IMAGES, 60_000, false, 4096); // 32 to 128

    assertEquals(new RulesOfThumb.Range(20, 50), epochs);
    assertEquals(new RulesOfThumb.Range(32, 128), batch);
  }

  @Test
  void classMetrics() {
    History history = trainer.earlyStopping(EarlyStopping.on(Metric.VAL_F1, 3)).fit();
    Confusion counts = history.epochs().get(0).confusion().orElseThrow();
    System.out.println(counts.f1() + ", and sevens taken for ones: " + counts.count(7, 1));

    assertTrue(counts.f1() > 0 && counts.f1() <= 1);
  }

  @Test
  void learningRateScaling() {
    History history =
        trainer
            .optimizer(Optimizer.adamW(0.001)) // found for batches of 32
            .scaling(LearningRateScaling.SQUARE_ROOT, 32)
            .batchSize(128) // so the rate is 0.002
            .fit();

    assertEquals(0.002f, history.epochs().get(0).learningRate(), 1e-9f);
  }

  @Test
  void rangeTest() {
    LearningRateFinder.Result found =
        LearningRateFinder.DEFAULT.find(trainer.sessionOptions(), train);
    double rate = found.suggestion().orElseThrow(); // the steepest slope; found.points() to draw it

    assertTrue(rate > 1e-6 && rate < 10, "rate " + rate);
  }

  @Test
  void mixedPrecision() {
    TrainerBuilder tf32 = trainer.session(options -> options.tf32(true));
    TrainerBuilder bf16 = trainer.session(options -> options.storage(DType.BF16));
    TrainerBuilder fp16 = trainer.session(options -> options.storage(DType.F16));
    TrainerBuilder careful = // a lower initial scale than 65536, raised sooner
        fp16.session(o -> o.lossScaling(new LossScaling(1024, 2, 0.5f, 500, 1, 50)));

    for (TrainerBuilder run : List.of(tf32, bf16, fp16, careful)) {
      Model fresh = Model.of(train.sampleShape(), layers).initialize(1);
      model.weights(fresh.weights());
      assertTrue(run.fit().epochs().get(2).train().loss() < 2.2);
    }
  }

  @Test
  void layerwiseRates() {
    TrainerBuilder lars = trainer.batchSize(160).optimizer(Optimizer.lars(1));
    TrainerBuilder lamb = trainer.batchSize(160).optimizer(Optimizer.lamb(0.01));

    double untrained = Math.log(10);
    assertTrue(lars.fit().epochs().get(2).train().loss() < 1.1 * untrained);
    assertTrue(lamb.fit().epochs().get(2).train().loss() < untrained);
  }

  @Test
  void clipping() {
    History history = trainer.session(options -> options.clipNorm(1)).fit();

    assertEquals(3, history.epochs().size());
  }

  @Test
  void averages() {
    TrainerBuilder ema = trainer.average(WeightAverage.exponential(0.99));
    TrainerBuilder swa = trainer.average(WeightAverage.stochastic(2)); // mean of epochs 2, 3 ...

    assertNotEquals(ema.fit().epochs().get(2).validation(), swa.fit().epochs().get(2).validation());
  }

  @Test
  void noiseScale() {
    try (GradientProbe probe = new GradientProbe(trainer.sessionOptions(), train)) {
      NoiseScale noise = NoiseScale.withDecay(0.9);
      for (int i = 0; i < 20; i++) {
        noise = noise.add(8, probe.gradients(16, 8, i)); // 16 batches of 8 samples
      }
      System.out.println("noise scale: " + noise.value() + " samples");
      List<float[]> gradients = probe.gradients(64, 32, 1); // 64 batches of 32, drawn by seed 1
      System.out.println("variance at B = 32: " + GradientProbe.variance(gradients));
    }

    model.initialize(1);
    try (GradientProbe probe = new GradientProbe(trainer.sessionOptions(), train)) {
      double at8 = GradientProbe.variance(probe.gradients(64, 8, 1));
      double at32 = GradientProbe.variance(probe.gradients(64, 32, 1));
      assertEquals(4, at8 / at32, 1);
    }
  }

  @Test
  void batchSizeStudy() {
    BatchSizeStudy.Result result =
        BatchSizeStudy.ofUpdates(20, 8, 32, 128)
            .withSeeds(2)
            .run(
                seed ->
                    Trainer.builder(Model.of(train.sampleShape(), layers), train)
                        .test(DIGITS.heldOut())
                        .seed(seed));
    System.out.println(result); // a table; result.rows() has the numbers

    assertEquals(List.of(20L, 20L, 20L), result.rows().stream().map(row -> row.updates()).toList());
  }

  @Test
  void largestBatch() {
    try (Device device = Device.cpu()) {
      LargestBatch largest = LargestBatch.find(trainer.sessionOptions(), train, device);
      System.out.println(largest.batchSize() + " samples take " + largest.bytes() + " bytes");
    }

    try (Device device = Device.cpu()) {
      long bytes = trainer.batchSize(100).sessionOptions().memory(train).total();
      int fits =
          LargestBatch.find(trainer.sessionOptions(), train, device, (long) (bytes / 0.899))
              .batchSize();
      assertEquals(100, fits);
    }
  }

  @Test
  void dataMemory() {
    History history =
        trainer
            .session(options -> options.evaluationBatch(32).dataMemory(200_000)) // bytes in total
            .fit();

    assertTrue(train.size() * train.form().sampleBytes() > 200_000);
    History resident =
        Trainer.builder(Model.of(train.sampleShape(), layers), train)
            .validation(DIGITS.heldOut())
            .epochs(3)
            .seed(1)
            .session(options -> options.evaluationBatch(32))
            .fit();
    assertArrayEquals(resident.stepLosses(), history.stepLosses());
  }

  @Test
  void curveAnalysis() {
    CurveAnalysis curves = CurveAnalysis.of(trainer.fit());
    System.out.println(curves.verdict() + ": " + curves.evidence());

    assertEquals(CurveAnalysis.Verdict.STILL_IMPROVING, curves.verdict());
  }

  @Test
  void advisor() {
    List<Finding> findings =
        Advisor.of(train.size(), 8, 0.1) // samples, batch size, learning rate
            .epochs(3)
            .validation(100)
            .history(trainer.fit())
            .findings();
    findings.forEach(finding -> System.out.println(finding.code() + ": " + finding.advice()));

    List<Finding.Code> codes = findings.stream().map(Finding::code).toList();
    assertTrue(codes.contains(Finding.Code.HIGH_RATE_SMALL_BATCH), codes.toString());
  }

  @Test
  void budget() {
    History history = trainer.budget(Budget.ofUpdates(25).andSeconds(600)).fit();

    assertEquals(25, history.stepLosses().length);
  }

  @Test
  void checkpoints() throws IOException {
    trainer.checkpoints(Checkpoints.in(folder, 7)).fit(); // every 7 updates; the last two are kept
    History resumed = trainer.resume(Checkpoints.newest(folder)).fit(); // in another process

    assertEquals(3, resumed.epochs().size());
    assertEquals(3 * UPDATES, resumed.stepLosses().length);
  }

  @Test
  void files() throws IOException {
    trainer.fit();
    Path file = folder.resolve("model.safetensors");
    model.save(file, Map.of("trained on", "drawn digits"));
    Model loaded = Model.of(train.sampleShape(), layers).load(file);

    assertArrayEquals(model.weights(), loaded.weights());
  }

  @Test
  void session() {
    try (TrainingSession session = trainer.sessionOptions().batchSize(64).open()) {
      session.data(train); // uploaded once
      session.learningRate(0.01);
      for (int epoch = 0; epoch < 3; epoch++) {
        session.order(IntStream.range(0, train.size()).toArray()); // in any order
        session.run(train.size() / 64); // launched with one call
        System.out.println(session.drain().metrics().loss());
      }
      session.store();
    }

    assertTrue(model.isInitialized());
  }

  @Test
  void tensors() {
    MatmulKernel product = MatmulKernel.builder(2, 3, 4).activation(Activation.RELU).build();
    float[] c = new float[2 * 3];
    product.run(new float[2 * 4], new float[4 * 3], c); // on arrays, at once
    try (Device device = Device.open("auto")) {
      Stream stream = device.stream();
      Tensor a = device.tensor(Shape.of(2, 4), 1f, 2, 3, 4, 5, 6, 7, 8);
      Tensor b = device.zeros(DType.F32, Shape.of(4, 3));
      Tensor ab = device.empty(DType.F32, Shape.of(2, 3));
      product.run(stream, a, b, ab); // on tensors of a device, in the order of its stream
      c = ab.toFloats(); // waits
    }

    assertArrayEquals(new float[6], c);
  }
}
