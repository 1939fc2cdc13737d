package dev.halfstep.djl;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Checks of the arrays that DJL hands to an optimizer, and their memory. */
final class TorchArrays {
  private static final long MOST_ELEMENTS = Integer.MAX_VALUE / Float.BYTES - 64;

  private TorchArrays() {}

  /** The parameter, if a kernel can update it where it is. */
  static PtNDArray parameter(String id, @Nullable NDArray weight) {
    PtNDArray array = checked(id, "parameter", weight);
    if (array.isSparse()) {
      throw new IllegalArgumentException(
          "the parameter " + id + " is sparse: make it dense with toDense()");
    }
    if (array.size() > MOST_ELEMENTS) {
      throw new IllegalArgumentException(
          "the parameter "
              + id
              + " has "
              + array.size()
              + " elements, and a buffer of Java holds at most "
              + MOST_ELEMENTS
              + ": split it, or use an optimizer of DJL");
    }
    return array;
  }

  /** The gradient, if it fits the parameter. */
  static PtNDArray gradient(String id, @Nullable NDArray grad, PtNDArray parameter) {
    PtNDArray array = checked(id, "gradient of the parameter", grad);
    if (!array.getShape().equals(parameter.getShape())) {
      throw new IllegalArgumentException(
          "the gradient of the parameter "
              + id
              + " has the shape "
              + array.getShape()
              + ", but the parameter has "
              + parameter.getShape());
    }
    return array;
  }

  private static PtNDArray checked(String id, String what, @Nullable NDArray array) {
    if (array == null) {
      throw new NullPointerException("the " + what + " " + id + " is null");
    }
    if (!(array instanceof PtNDArray torch)) {
      throw new IllegalArgumentException(
          "the "
              + what
              + " "
              + id
              + " is a "
              + array.getClass().getName()
              + ", no tensor of DJL's PyTorch engine, which Halfstep's optimizers are for: choose it"
              + " with -Dai.djl.default_engine=PyTorch");
    }
    if (torch.isReleased()) {
      throw new IllegalStateException("the " + what + " " + id + " is closed");
    }
    Device device = torch.getDevice();
    if (!device.getDeviceType().equals(Device.Type.CPU)) {
      throw new IllegalArgumentException(
          "the "
              + what
              + " "
              + id
              + " is on "
              + device
              + ": Halfstep's optimizers for DJL update tensors on the CPU, train on Device.cpu() or"
              + " use an optimizer of DJL");
    }
    if (torch.getDataType() != DataType.FLOAT32) {
      throw new IllegalArgumentException(
          "the "
              + what
              + " "
              + id
              + " is of the type "
              + torch.getDataType()
              + ": Halfstep's optimizers for DJL update float32, convert the network or use an"
              + " optimizer of DJL");
    }
    return torch;
  }

  /**
   * The memory of the gradient's elements in order, clipped if the rule says so. It may be that of
   * a copy, which is attached to the gradient's manager.
   */
  static ByteBuffer values(PtNDArray gradient, UpdateRule rule) {
    PtNDArray values = gradient.isSparse() ? gradient.toDense() : gradient;
    if (rule.clips()) {
      values = clipped(values, rule);
    }
    return values.toByteBuffer(true);
  }

  /**
   * A copy of the gradient that, once rescaled, is within the limit. The kernel rescales it, so it
   * is clipped here to the limit divided by the factor.
   */
  private static PtNDArray clipped(PtNDArray gradient, UpdateRule rule) {
    float limit = rule.clip() / rule.rescale();
    return rule.djl() ? gradient.minimum(limit) : gradient.clip(-limit, limit);
  }
}
