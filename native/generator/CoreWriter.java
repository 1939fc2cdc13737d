package generator;

import generator.Table.Argument;
import generator.Table.Copied;
import generator.Table.Descriptor;
import generator.Table.Kernel;
import generator.Table.Operand;
import generator.Table.Parameter;
import generator.Table.Part;
import generator.Table.StreamFlag;
import generator.Table.Use;
import generator.Table.Value;
import java.util.ArrayList;
import java.util.List;

/** Writes the C++ of the core: the kernels' arguments, and the functions of {@code halfstep.h}. */
final class CoreWriter {
  private static final String MADE = "// Written by native/generator from native/kernels.txt.";

  private CoreWriter() {}

  /** {@code core/kernel_args.h}: the arguments that backends are given. */
  static Source arguments(Table table) {
    Source source = new Source();
    source.line(MADE);
    source.line(
        "// The arguments of each kernel, and the list of the kernels. Plain data: command lists");
    source.line("// copy it. Pointers are addresses in the device's memory.");
    guard(source, "HALFSTEP_CORE_KERNEL_ARGS_H", "halfstep.h");
    for (Kernel kernel : table.kernels()) {
      source.line("struct " + kernel.args() + " {");
      for (Part part : kernel.parts()) {
        source.line("  " + Names.upperCamel(part.kernel()) + "Args " + part.name() + ";");
      }
      kernel.parameters().forEach(parameter -> member(source, parameter));
      for (StreamFlag flag : kernel.streamFlags()) {
        source.line("  bool " + flag.name() + " = false;");
      }
      source.line("};").line();
    }
    source.line("// X(name of the kernel, type of its arguments)");
    List<String> rows = new ArrayList<>(List.of("#define HS_KERNELS(X)"));
    table
        .kernels()
        .forEach(kernel -> rows.add("  X(" + kernel.name() + ", " + kernel.args() + ")"));
    source.line(String.join(" \\\n", rows)).line();
    return source.line("}  // namespace hs").line().line("#endif  // HALFSTEP_CORE_KERNEL_ARGS_H");
  }

  private static void guard(Source source, String guard, String include) {
    source.line("#ifndef " + guard).line("#define " + guard).line();
    source.line("#include \"" + include + "\"").line();
    source.line("namespace hs {").line();
  }

  private static void member(Source source, Parameter parameter) {
    if (parameter instanceof Descriptor descriptor) {
      source.line("  " + descriptor.cType() + " desc;");
    } else if (parameter instanceof Value value && value.cType().endsWith("*")) {
      // A host array with one extent for each dimension: it is copied.
      source.line("  " + value.cType().replaceAll("const |\\*", "") + " " + value.name() + "[6];");
    } else if (parameter instanceof Value value) {
      source.line("  " + value.cType() + " " + value.name() + ";");
    } else if (parameter instanceof Argument argument) {
      source.line("  " + argument.cType() + " " + argument.name() + ";");
    } else if (parameter instanceof Copied copied) {
      source.line("  " + copied.cType() + " " + copied.name() + ";");
      source.line("  bool " + copied.flag() + ";  // whether `" + copied.name() + "` holds");
    } else if (parameter instanceof Operand operand) {
      String constant = operand.use() == Use.IN ? "const " : "";
      source.line("  " + constant + element(operand) + "* " + operand.name() + ";");
    }
  }

  /** What an operand points to. */
  private static String element(Operand operand) {
    return switch (operand.type()) {
      case "f32" -> "float";
      case "i32" -> "int32_t";
      case "u8" -> "uint8_t";
      case "f64" -> "double";
      default -> operand.isStruct() ? operand.type() : "void";
    };
  }

  /** {@code core/kernel_checks.h}: the functions that core/calls must define. */
  static Source checks(Table table) {
    Source source = new Source();
    source.line(MADE);
    source.line(
        "// What kernel_calls.cpp asks before it submits a call. Written by hand, one file a");
    source.line("// family, in core/calls. The addresses of operands are checked afterwards.");
    guard(source, "HALFSTEP_CORE_KERNEL_CHECKS_H", "core/check.h");
    for (Kernel kernel : table.kernels()) {
      if (!kernel.internal() && !kernel.callByHand()) {
        source.line("hs_status check(const " + kernel.args() + "& args);");
      }
      if (kernel.before() != null) {
        source.line("// Whether it has taken the call over.");
        source.line(
            "bool " + kernel.before() + "(hs_stream stream, const " + kernel.args() + "& args);");
      }
    }
    source.line();
    return source
        .line("}  // namespace hs")
        .line()
        .line("#endif  // HALFSTEP_CORE_KERNEL_CHECKS_H");
  }

  /** {@code core/kernel_calls.cpp}: the functions of the C ABI. */
  static Source calls(Table table, Header header) {
    Source source = new Source();
    source.line(MADE);
    source.line(
        "// The kernels' functions of halfstep.h: each packs its arguments, has them checked, and");
    source.line("// gives them to the stream's backend.");
    source.line("#include \"core/kernel_checks.h\"").line();
    source.line("using namespace hs;");
    for (Kernel kernel : table.kernels()) {
      if (!kernel.internal() && !kernel.callByHand()) {
        call(source.line(), kernel, header.prototypes().get("hs_" + kernel.name()));
      }
    }
    return source;
  }

  private static void call(Source source, Kernel kernel, Header.Prototype prototype) {
    List<String> parameters = new ArrayList<>(List.of("hs_stream stream"));
    prototype.parameters().forEach(parameter -> parameters.add(parameter.toString()));
    parameters.set(parameters.size() - 1, parameters.get(parameters.size() - 1) + ") {");
    source.filled("hs_status hs_" + kernel.name() + "(", "    ", parameters, ", ");
    source.line("  return guarded([&]() -> hs_status {");
    List<String> packed = new ArrayList<>();
    for (Parameter parameter : kernel.parameters()) {
      String name = parameter.name();
      if (parameter instanceof Descriptor) {
        source.line("    HS_REQUIRE(desc != nullptr, \"" + kernel.name() + ": desc is null\");");
        packed.add("*desc");
      } else if (parameter instanceof Operand operand) {
        packed.add("as<" + element(operand) + ">(" + name + ")");
      } else if (parameter instanceof Copied copied) {
        packed.add(name + " == nullptr ? " + copied.cType() + "{} : *" + name);
        packed.add(name + " != nullptr");
      } else {
        packed.add(name);
      }
    }
    kernel.streamFlags().forEach(flag -> packed.add(flag.expression()));
    packed.set(packed.size() - 1, packed.get(packed.size() - 1) + "};");
    source.filled("    const " + kernel.args() + " args{", "        ", packed, ", ");
    source.line("    if (hs_status status = check(args); status != HS_OK) return status;");
    for (Operand operand : kernel.operands()) {
      String check = operand.optional() ? "HS_OPTIONAL" : "HS_NEED";
      source.line(
          "    "
              + unlessEmpty(kernel, operand)
              + check
              + "(\""
              + kernel.name()
              + "\", "
              + operand.name()
              + ");");
    }
    if (kernel.before() != null) {
      source.line("    if (" + kernel.before() + "(stream, args)) return HS_OK;");
    }
    source.line("    return submit(stream, &KernelTable::" + kernel.name() + ", args);");
    source.line("  });").line("}");
  }

  private static String unlessEmpty(Kernel kernel, Operand operand) {
    if (operand.needs().isEmpty()) {
      return "";
    }
    boolean described = kernel.parameters().stream().anyMatch(Descriptor.class::isInstance);
    List<String> conditions =
        operand.needs().stream()
            .map(
                extent ->
                    "args."
                        + (described && !isParameter(kernel, extent) ? "desc." : "")
                        + extent
                        + " != 0")
            .toList();
    return "if (" + String.join(" && ", conditions) + ") ";
  }

  private static boolean isParameter(Kernel kernel, String name) {
    return kernel.parameters().stream().anyMatch(parameter -> parameter.name().equals(name));
  }
}
