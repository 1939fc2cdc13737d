package generator;

import generator.Table.Argument;
import generator.Table.Arrays;
import generator.Table.Descriptor;
import generator.Table.Kernel;
import generator.Table.Operand;
import generator.Table.Parameter;
import generator.Table.Value;
import java.util.ArrayList;
import java.util.List;

/** Writes {@code ArrayCalls}: functions of the C ABI that take arrays in place of addresses. */
final class ArrayCallsWriter {
  private ArrayCallsWriter() {}

  static Source write(Table table) {
    Source source = new Source();
    source.line("package dev.halfstep.bindings;").line();
    source.line("import org.bytedeco.javacpp.Loader;");
    source.line("import org.bytedeco.javacpp.annotation.Cast;");
    source.line("import org.bytedeco.javacpp.annotation.Const;");
    source.line("import org.bytedeco.javacpp.annotation.CriticalRegion;");
    source.line("import org.bytedeco.javacpp.annotation.Properties;").line();
    source.line("/**");
    source.wrapped(
        " * ",
        " * ",
        "Kernels of the C ABI that take {@code float[]} where C takes an {@code hs_ptr}: the JVM"
            + " pins the arrays during the call, nothing is copied, and the garbage collector"
            + " waits. Only for short calls that are finished when they return: on the CPU, with"
            + " the null stream (0).");
    source.line(" *");
    source.wrapped(
        " * ",
        " * ",
        "<p>Written by {@code native/generator} from {@code native/kernels.txt}: each method"
            + " repeats one of {@link Native} with arrays of the element type, cast to {@code"
            + " hs_ptr}; {@code null} becomes address 0. Arrays come after descriptors, since"
            + " nothing else may be asked of the JVM once the first array is pinned.");
    source.line(" */");
    source.line("@CriticalRegion");
    source.line("@Properties(inherit = HalfstepPreset.class)");
    source.line("public final class ArrayCalls {");
    source.line("  static {");
    source.line(
        "    Loader.load(Native.class); // whose library it is, for every version of JavaCPP");
    source.line("  }").line();
    source.line("  private ArrayCalls() {}");
    for (Kernel kernel : table.kernels()) {
      for (Arrays arrays : kernel.arrays()) {
        source.line();
        source.javadoc(2, "As {@link Native#hs_" + kernel.name() + "}" + of(arrays) + ".");
        source.call(
            2, "public static native int hs_" + kernel.name(), parameters(kernel, arrays), ";");
      }
    }
    return source.line("}");
  }

  private static String of(Arrays arrays) {
    List<String> types = new ArrayList<>();
    arrays.types().forEach((name, type) -> types.add(name + " {@code " + type + "}"));
    return types.isEmpty() ? "" : ", " + String.join(", ", types);
  }

  private static List<String> parameters(Kernel kernel, Arrays arrays) {
    List<String> parameters = new ArrayList<>();
    parameters.add("@Cast(\"hs_stream\") long stream");
    for (Parameter parameter : kernel.parameters()) {
      parameters.add(type(parameter, arrays) + " " + Names.lowerCamel(parameter.name()));
    }
    return parameters;
  }

  private static String type(Parameter parameter, Arrays arrays) {
    if (parameter instanceof Descriptor descriptor) {
      return "@Const " + descriptor.cType();
    }
    if (parameter instanceof Value value) {
      return switch (value.cType()) {
        case "const int64_t*" -> "@Cast(\"const int64_t*\") long[]";
        case "const int32_t*" -> "@Const int[]";
        default -> JavaTypes.number(value.cType());
      };
    }
    if (parameter instanceof Argument argument) {
      return JavaTypes.number(argument.cType());
    }
    Operand operand = (Operand) parameter;
    String array = arrays.types().getOrDefault(operand.name(), JavaTypes.array(operand));
    return "@Cast(\"hs_ptr\") " + (array == null ? "long" : array);
  }
}
