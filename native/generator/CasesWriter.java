package generator;

import generator.Table.Argument;
import generator.Table.JavaClass;
import generator.Table.Kernel;
import generator.Table.Operand;
import generator.Table.Parameter;
import generator.Table.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Writes {@code KernelCases}, from which tests call every form of every kernel. */
final class CasesWriter {
  private CasesWriter() {}

  static Source write(Table table) {
    Source source = new Source();
    source.line("package dev.halfstep.kernel;").line();
    for (String name :
        List.of("Use.IN", "Use.INOUT", "Use.OUT", "Use.STATE", "byAddress", "operand")) {
      source.line("import static dev.halfstep.kernel.KernelCase." + name + ";");
    }
    source.line();
    source.line("import dev.halfstep.DType;");
    source.line("import dev.halfstep.Shape;");
    source.line("import java.util.Map;");
    source.line("import java.util.TreeMap;").line();
    source.javadoc(
        0,
        "All kernels that are objects with what they take, written by {@code native/generator} from"
            + " {@code native/kernels.txt}.");
    source.line("final class KernelCases {");
    source.line("  /** How each is made, by name. */");
    source.line("  static final Map<String, KernelCase.Maker> ALL = all();").line();
    source.line("  private KernelCases() {}").line();
    source.line("  private static Map<String, KernelCase.Maker> all() {");
    source.line("    Map<String, KernelCase.Maker> all = new TreeMap<>();");
    for (JavaClass owner : table.classes()) {
      for (Kernel kernel : owner.kernels()) {
        for (Sample sample : owner.samples()) {
          put(source, kernel, sample);
        }
        if (!kernel.shortOperands().isEmpty()) {
          List<String> without = new ArrayList<>();
          kernel.operands().stream()
              .filter(operand -> !kernel.shortOperands().contains(operand.name()))
              .forEach(operand -> without.add("!" + operand.javaName()));
          Sample first = owner.samples().get(0);
          Sample sample = new Sample("short", without, first.expression());
          put(source, kernel, sample);
        }
      }
    }
    source.line("    return all;").line("  }");
    for (JavaClass owner : table.classes()) {
      for (Kernel kernel : owner.kernels()) {
        source.line();
        source.call(
            2,
            "private static KernelCase " + function(kernel),
            List.of(owner.name() + " kernel", "String... without"),
            " {");
        List<String> arguments = new ArrayList<>();
        arguments.add('"' + kernel.method() + '"');
        arguments.add("kernel");
        arguments.add("without");
        kernel.parameters().forEach(parameter -> describe(parameter, arguments));
        String head =
            "return KernelCase." + (kernel.forms().contains("array") ? "of" : "withoutArrays");
        source.call(4, head, arguments, ";");
        source.line("  }");
      }
    }
    return source.line("}");
  }

  private static String key(Kernel kernel, String sample) {
    return '"' + kernel.className() + "." + kernel.method() + " " + sample + '"';
  }

  private static String function(Kernel kernel) {
    return Names.lowerFirst(kernel.className())
        + kernel.method().substring(0, 1).toUpperCase(Locale.ROOT)
        + kernel.method().substring(1);
  }

  /** Appends the line that makes a sample, broken as the formatter does it. */
  private static void put(Source source, Kernel kernel, Sample sample) {
    String key = key(kernel, sample.name());
    StringBuilder without = new StringBuilder();
    sample.without().forEach(name -> without.append(", \"").append(name).append('"'));
    String call = function(kernel) + "(" + sample.expression() + without + "));";
    String line = "    all.put(" + key + ", s -> " + call;
    if (line.length() <= Source.COLUMNS) {
      source.line(line);
      return;
    }
    source.line("    all.put(");
    if (("        " + key + ", s -> " + call).length() <= Source.COLUMNS) {
      source.line("        " + key + ", s -> " + call);
      return;
    }
    source.line("        " + key + ",");
    if (("        s -> " + call).length() <= Source.COLUMNS) {
      source.line("        s -> " + call);
      return;
    }
    source.line("        s ->");
    if (("            " + call).length() <= Source.COLUMNS) {
      source.line("            " + call);
      return;
    }
    source.line("            " + function(kernel) + "(");
    String margin = "                ";
    if ((margin + sample.expression() + without + "));").length() <= Source.COLUMNS) {
      source.line(margin + sample.expression() + without + "));");
      return;
    }
    String end = sample.without().isEmpty() ? "));" : ",";
    if ((margin + sample.expression() + end).length() <= Source.COLUMNS) {
      source.line(margin + sample.expression() + end);
    } else {
      String[] steps = sample.expression().split("(?<=\\))\\.(?=\\w+\\()");
      source.line(margin + steps[0]);
      for (int i = 1; i < steps.length; i++) {
        source.line(margin + "    ." + steps[i] + (i == steps.length - 1 ? end : ""));
      }
    }
    for (int i = 0; i < sample.without().size(); i++) {
      boolean last = i == sample.without().size() - 1;
      source.line(margin + '"' + sample.without().get(i) + '"' + (last ? "));" : ","));
    }
  }

  private static void describe(Parameter parameter, List<String> arguments) {
    if (parameter instanceof Argument argument) {
      String type = JavaTypes.number(argument.cType());
      arguments.add(argument.addressOnly() ? "byAddress(" + type + ".class)" : "0.5f");
    } else if (parameter instanceof Operand operand && operand.addressOnly()) {
      arguments.add("byAddress(long.class)");
    } else if (parameter instanceof Operand operand) {
      String use = operand.isState() ? "STATE" : operand.use().name();
      arguments.add(
          "operand(\""
              + operand.javaName()
              + "\", "
              + use
              + ", "
              + JavaTypes.dtype(operand, "kernel.")
              + ", "
              + JavaTypes.extent(operand, "kernel.")
              + ", "
              + operand.optional()
              + ")");
    }
  }
}
