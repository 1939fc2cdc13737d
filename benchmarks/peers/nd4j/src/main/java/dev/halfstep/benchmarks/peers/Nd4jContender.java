package dev.halfstep.benchmarks.peers;

import dev.halfstep.benchmarks.harness.Contender;
import dev.halfstep.benchmarks.harness.Fork;
import dev.halfstep.benchmarks.harness.Inputs;
import dev.halfstep.benchmarks.harness.Network;
import dev.halfstep.benchmarks.harness.Work;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions;

/** DL4J's networks and ND4J's arrays. */
public final class Nd4jContender implements Contender {
  private static final int SHOWN = 1000;

  /** Times the works that the arguments name: see {@link Fork}. */
  public static void main(String[] arguments) {
    Fork.main(new Nd4jContender(), arguments);
  }

  @Override
  public String name() {
    return "dl4j";
  }

  @Override
  public String version() {
    return "DL4J and ND4J 1.0.0-M2.1";
  }

  @Override
  public List<String> settings(Work work) {
    return switch (work.kind()) {
      // Larger sizes take seconds a step.
      case CNN -> work.size(0) <= 64 ? List.of("all threads") : List.of();
      case MLP, FIRST_STEP, MATMUL -> List.of("all threads");
      default -> List.of();
    };
  }

  @Override
  public Training training(Work work, String setting) {
    return new Dl4jTraining(work.network(), work.size(0));
  }

  @Override
  public Kernel kernel(Work work, String setting) {
    return new Matmul(work.size(0), work.size(1));
  }

  /** The network and its data; labels are one-hot, as DL4J needs them. */
  private static final class Dl4jTraining implements Training {
    private final boolean images;
    private final int batch;
    private final MultiLayerNetwork network;
    private final INDArray samples;
    private final INDArray labels;

    Dl4jTraining(Network what, int batch) {
      this.images = what == Network.CNN;
      this.batch = batch;
      network = new MultiLayerNetwork(images ? cnn() : mlp());
      network.init();
      List<float[]> weights = what.weights();
      int[] layers = images ? new int[] {0, 2, 4, 5} : new int[] {0, 1};
      for (int i = 0; i < layers.length; i++) {
        set(layers[i], weights.get(2 * i), weights.get(2 * i + 1));
      }
      samples = Nd4j.create(what.samples(), new int[] {Work.SAMPLES, what.features()});
      float[] oneHot = new float[Work.SAMPLES * what.classes()];
      int[] classes = what.labels();
      for (int i = 0; i < classes.length; i++) {
        oneHot[i * what.classes() + classes[i]] = 1;
      }
      labels = Nd4j.create(oneHot, new int[] {Work.SAMPLES, what.classes()});
    }

    private void set(int layer, float[] weight, float[] bias) {
      long[] shape = network.getParam(layer + "_W").shape();
      INDArray values =
          shape.length == 4
              ? Nd4j.create(weight, shape, 'c')
              : Nd4j.create(weight, new long[] {shape[1], shape[0]}, 'c').transpose();
      network.getParam(layer + "_W").assign(values);
      network.getParam(layer + "_b").assign(Nd4j.create(bias, new long[] {1, bias.length}, 'c'));
    }

    private static MultiLayerConfiguration mlp() {
      return new NeuralNetConfiguration.Builder()
          .updater(new Sgd(0.01))
          .list()
          .layer(new DenseLayer.Builder().nIn(1000).nOut(100).activation(Activation.RELU).build())
          .layer(output(100, 2))
          .build();
    }

    private static OutputLayer output(int in, int out) {
      return new OutputLayer.Builder(LossFunctions.LossFunction.MCXENT)
          .nIn(in)
          .nOut(out)
          .activation(Activation.SOFTMAX)
          .build();
    }

    private static ConvolutionLayer convolution(int in, int out) {
      return new ConvolutionLayer.Builder(3, 3)
          .nIn(in)
          .nOut(out)
          .stride(1, 1)
          .padding(1, 1)
          .activation(Activation.RELU)
          .build();
    }

    private static SubsamplingLayer pooling() {
      return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
          .kernelSize(2, 2)
          .stride(2, 2)
          .build();
    }

    private static MultiLayerConfiguration cnn() {
      return new NeuralNetConfiguration.Builder()
          .updater(new Adam(0.001))
          .list()
          .layer(convolution(1, 32))
          .layer(pooling())
          .layer(convolution(32, 64))
          .layer(pooling())
          .layer(new DenseLayer.Builder().nIn(3136).nOut(128).activation(Activation.RELU).build())
          .layer(output(128, 10))
          .setInputType(InputType.convolutional(28, 28, 1))
          .build();
    }

    @Override
    public float[] train(int[] order) {
      float[] losses = new float[order.length / batch];
      for (int i = 0; i < losses.length; i++) {
        int[] rows = Arrays.copyOfRange(order, i * batch, (i + 1) * batch);
        INDArray x = Nd4j.pullRows(samples, 1, rows);
        network.fit(images ? x.reshape(batch, 1, 28, 28) : x, Nd4j.pullRows(labels, 1, rows));
        losses[i] = (float) network.score();
      }
      return losses;
    }

    @Override
    public void close() {
      network.close();
    }
  }

  /** Matrix products into an existing array. */
  private static final class Matmul implements Kernel {
    private final INDArray a;
    private final INDArray b;
    private final INDArray c;

    Matmul(int count, int size) {
      long[] shape = count == 1 ? new long[] {size, size} : new long[] {count, size, size};
      a = Nd4j.create(Inputs.normal(count * size * size, 1), shape, 'c');
      b = Nd4j.create(Inputs.normal(count * size * size, 2), shape, 'c');
      c = Nd4j.create(shape, 'c');
    }

    @Override
    public void run() {
      Nd4j.matmul(a, b, c);
    }

    @Override
    public float[] result() {
      float[] all = c.dup('c').data().asFloat();
      return Arrays.copyOf(all, Math.min(SHOWN, all.length));
    }

    @Override
    public void close() {
      c.close();
    }
  }
}
