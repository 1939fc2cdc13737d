package dev.halfstep.bindings;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how {@code native/include/halfstep.h} becomes {@link Native}.
 *
 * <ul>
 *   <li>{@code hs_ptr} and every handle are {@code long}: no Java object on the hot path. Where C
 *       writes one ({@code hs_device* out}), Java passes a {@code long[1]} or a {@code
 *       LongPointer}.
 *   <li>{@code hs_status} and the enumerations are {@code int}, their constants {@code int} fields.
 *   <li>There are no {@code java.nio} overloads: JavaCPP passes a sliced heap buffer with a wrong
 *       address, which corrupts memory. Direct buffers go by address, checked by the caller.
 *   <li>{@code float[]} without a copy, for short synchronous calls: {@link ArrayCalls}, which is
 *       generated from {@code native/kernels.txt}.
 * </ul>
 */
@Properties(
    target = "dev.halfstep.bindings",
    global = "dev.halfstep.bindings.Native",
    value =
        @Platform(
            value = "linux-x86_64",
            include = "halfstep.h",
            link = "halfstep",
            library = "jnihalfstep"))
public class HalfstepPreset implements InfoMapper {
  /** The pointer typedefs of the header that Java sees as {@code long}. */
  private static final String[] HANDLES = {"hs_device", "hs_stream", "hs_list"};

  @Override
  public void map(InfoMap infos) {
    infos.put(new Info("HS_API").cppTypes().annotations());
    infos.put(new Info("hs_ptr").cast().valueTypes("long").pointerTypes("LongPointer", "long[]"));
    for (String handle : HANDLES) {
      infos.put(new Info(handle).cast().valueTypes("long").pointerTypes("LongPointer", "long[]"));
      infos.put(new Info(handle + "_t").skip());
    }
    withoutBuffers(infos);
  }

  /** Repeats JavaCPP's own table of types without its {@code java.nio} overloads. */
  private static void withoutBuffers(InfoMap infos) {
    infos.put(
        new Info("int8_t", "signed char").valueTypes("byte").pointerTypes("BytePointer", "byte[]"));
    infos.put(
        new Info("uint8_t", "char", "unsigned char")
            .cast()
            .valueTypes("byte")
            .pointerTypes("BytePointer", "byte[]"));
    infos.put(
        new Info("int16_t", "short").valueTypes("short").pointerTypes("ShortPointer", "short[]"));
    infos.put(
        new Info("uint16_t", "unsigned short")
            .cast()
            .valueTypes("short")
            .pointerTypes("ShortPointer", "short[]"));
    infos.put(new Info("int32_t", "int").valueTypes("int").pointerTypes("IntPointer", "int[]"));
    infos.put(
        new Info("uint32_t", "unsigned int", "unsigned")
            .cast()
            .valueTypes("int")
            .pointerTypes("IntPointer", "int[]"));
    infos.put(
        new Info("int64_t", "uint64_t")
            .cast()
            .valueTypes("long")
            .pointerTypes("LongPointer", "long[]"));
    infos.put(
        new Info("const char")
            .valueTypes("@Cast(\"const char\") byte")
            .pointerTypes("@Cast(\"const char*\") BytePointer", "String"));
    infos.put(new Info("float").valueTypes("float").pointerTypes("FloatPointer", "float[]"));
    infos.put(new Info("double").valueTypes("double").pointerTypes("DoublePointer", "double[]"));
  }
}
