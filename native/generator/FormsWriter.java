package generator;

import generator.Table.Argument;
import generator.Table.Arrays;
import generator.Table.Descriptor;
import generator.Table.Field;
import generator.Table.JavaClass;
import generator.Table.Kernel;
import generator.Table.Operand;
import generator.Table.Parameter;
import generator.Table.Use;
import generator.Table.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Writes the forms of a kernel's methods, as a class that the kernel's own class extends. */
final class FormsWriter {
  private static final String WRONG_TENSOR =
      "@throws IllegalArgumentException if a tensor has another type or number of elements than the"
          + " kernel was built for, or is of another device";
  private static final String CLOSED =
      "@throws IllegalStateException if the stream or a tensor is closed";
  private static final String WRONG_BUFFER =
      "@throws IllegalArgumentException if a buffer is not direct, in another byte order than the"
          + " processor's, of another type than the kernel was built for, or too short";
  private static final String WRONG_ARRAY =
      "@throws IllegalArgumentException if an array is too short";

  /** How a form passes operands. */
  private enum Form {
    TENSOR("Tensor"),
    BUFFER("Buffer"),
    ARRAY(""),
    ADDRESS("long");

    final String type;

    Form(String type) {
      this.type = type;
    }

    boolean onHost() {
      return this == BUFFER || this == ARRAY;
    }
  }

  private final JavaClass owner;
  private final Source source = new Source();

  private FormsWriter(JavaClass owner) {
    this.owner = owner;
  }

  /** The source of the class that the hand-written {@code owner} extends. */
  static Source write(JavaClass owner) {
    FormsWriter writer = new FormsWriter(owner);
    writer.head();
    for (Kernel kernel : owner.kernels()) {
      writer.forms(kernel);
    }
    writer.source.line("}");
    return writer.source;
  }

  private void head() {
    source.line("package dev.halfstep.kernel;").line();
    TreeSet<String> functions = new TreeSet<>();
    TreeSet<String> imports = new TreeSet<>();
    boolean nullable = false;
    for (Kernel kernel : owner.kernels()) {
      functions.add("hs_" + kernel.name());
      nullable |= has(kernel, Form.ADDRESS);
      nullable |= kernel.operands().stream().anyMatch(Operand::optional);
      if (has(kernel, Form.BUFFER)) {
        imports.add("java.nio.Buffer");
      }
      if (has(kernel, Form.ARRAY)) {
        imports.add("dev.halfstep.bindings.ArrayCalls");
      }
      if (has(kernel, Form.BUFFER) || has(kernel, Form.ARRAY)) {
        imports.add("dev.halfstep.internal.Operands");
      }
    }
    functions.forEach(
        name -> source.line("import static dev.halfstep.bindings.Native." + name + ";"));
    source.line();
    imports.add("dev.halfstep.DType");
    imports.add("dev.halfstep.Stream");
    imports.add("dev.halfstep.Tensor");
    imports.add("dev.halfstep.internal.Access");
    imports.add("dev.halfstep.internal.Native");
    if (nullable) {
      imports.add("org.jspecify.annotations.Nullable");
    }
    if (owner.descriptor() != null) {
      imports.add("dev.halfstep.bindings." + owner.descriptor());
    }
    imports.forEach(name -> source.line("import " + name + ";"));
    source.line();
    source.javadoc(
        0,
        "The methods of {@link "
            + owner.name()
            + "}, written by {@code native/generator} from {@code native/kernels.txt}: each kernel"
            + " on tensors, direct buffers, arrays and addresses.");
    source.line("abstract class " + owner.name() + "Forms {");
    source.line("  private static final Access ACCESS = Access.get();").line();
    List<Field> fields = new ArrayList<>();
    if (owner.descriptor() != null) {
      fields.add(new Field(owner.descriptor(), "desc"));
    }
    fields.addAll(owner.fields());
    List<String> parameters = new ArrayList<>();
    for (Field field : fields) {
      source.line("  final " + field.type() + " " + field.name() + ";");
      parameters.add(field.type() + " " + field.name());
    }
    source.line().call(2, owner.name() + "Forms", parameters, " {");
    source.line("    Native.load();");
    for (Field field : fields) {
      source.line("    this." + field.name() + " = " + field.name() + ";");
    }
    source.line("  }");
    for (Kernel kernel : owner.kernels()) {
      if (kernel.check() != null) {
        List<String> given =
            kernel.check().operands().stream().map(name -> "boolean has" + upper(name)).toList();
        source.line().javadoc(2, "Throws unless the operands that the kernel needs are given.");
        source.call(2, "abstract void " + kernel.check().method(), given, ";");
      }
    }
  }

  private static String upper(String name) {
    return name.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + name.substring(1);
  }

  private static boolean has(Kernel kernel, Form form) {
    return kernel.forms().contains(form.name().toLowerCase(java.util.Locale.ROOT));
  }

  private void forms(Kernel kernel) {
    Arrays usual = new Arrays(Map.of());
    if (has(kernel, Form.TENSOR)) {
      source.line();
      source.javadoc(
          2, kernel.text() + " Runs on tensors of the stream's device.", WRONG_TENSOR, CLOSED);
      tensorForm(kernel);
      shortForm(kernel, Form.TENSOR, usual);
    }
    if (has(kernel, Form.BUFFER)) {
      source.line();
      source.javadoc(
          2,
          "As above, on the CPU at once, from any thread, on direct buffers from their positions"
              + " on.",
          WRONG_BUFFER);
      hostForm(kernel, Form.BUFFER, usual);
      shortForm(kernel, Form.BUFFER, usual);
    }
    if (has(kernel, Form.ARRAY)) {
      for (Arrays arrays : kernel.arrays()) {
        source.line();
        arrayDoc(arrays);
        hostForm(kernel, Form.ARRAY, arrays);
        shortForm(kernel, Form.ARRAY, arrays);
      }
    }
    if (has(kernel, Form.ADDRESS)) {
      source.line();
      source.javadoc(
          2,
          "As above, on addresses, unchecked: a wrong one ends the process.",
          "@param stream the stream; null: on the CPU at once, from any thread");
      addressForm(kernel);
      shortForm(kernel, Form.ADDRESS, usual);
    }
  }

  private void arrayDoc(Arrays arrays) {
    String which =
        owner.types().isEmpty()
            ? "arrays."
            : arrays.types().isEmpty() ? "arrays; F32 only." : "arrays of other types.";
    String wrong =
        owner.types().isEmpty()
            ? WRONG_ARRAY
            : WRONG_ARRAY + ", or the kernel was built for another type";
    source.javadoc(
        2,
        "As above, on the CPU at once, from any thread, on "
            + which
            + " The garbage collector waits meanwhile.",
        wrong);
  }

  /** The parameters of a form, in Java. */
  private List<String> parameters(Kernel kernel, Form form, Arrays arrays, List<String> only) {
    List<String> parameters = new ArrayList<>();
    if (form == Form.TENSOR) {
      parameters.add("Stream stream");
    } else if (form == Form.ADDRESS) {
      parameters.add("@Nullable Stream stream");
    }
    for (Parameter parameter : kernel.parameters()) {
      if (parameter instanceof Argument argument
          && (!argument.addressOnly() || form == Form.ADDRESS)) {
        parameters.add(
            JavaTypes.number(argument.cType()) + " " + Names.lowerCamel(argument.name()));
      } else if (parameter instanceof Operand operand
          && (only.isEmpty() || only.contains(operand.name()))
          && (!operand.addressOnly() || form == Form.ADDRESS)) {
        parameters.add(type(operand, form, arrays) + " " + operand.javaName());
      }
    }
    return parameters;
  }

  private static String type(Operand operand, Form form, Arrays arrays) {
    boolean nullable = operand.optional() && form != Form.ADDRESS;
    if (form.onHost() && operand.isStruct()) {
      return (nullable ? "@Nullable " : "") + "HostStepState";
    }
    if (form == Form.ARRAY) {
      String array = arrays.types().getOrDefault(operand.name(), JavaTypes.array(operand));
      return nullable ? array.replace("[]", " @Nullable []") : array;
    }
    return (nullable ? "@Nullable " : "") + form.type;
  }

  private void open(Kernel kernel, Form form, Arrays arrays) {
    source.call(
        2, "public void " + kernel.method(), parameters(kernel, form, arrays, List.of()), " {");
    if (kernel.check() != null && form != Form.ADDRESS) {
      List<String> given =
          kernel.check().operands().stream().map(name -> name + " != null").toList();
      source.call(4, kernel.check().method(), given, ";");
    }
  }

  /** The arguments of the C function after the stream; {@code operand} gives those of operands. */
  private List<String> arguments(
      Kernel kernel,
      String stream,
      boolean addresses,
      java.util.function.Function<Operand, String> operandArgument) {
    List<String> arguments = new ArrayList<>();
    arguments.add(stream);
    for (Parameter parameter : kernel.parameters()) {
      if (parameter instanceof Descriptor) {
        arguments.add("desc");
      } else if (parameter instanceof Value value) {
        arguments.add(JavaTypes.value(owner, value));
      } else if (parameter instanceof Argument argument) {
        arguments.add(
            argument.addressOnly() && !addresses ? "0" : Names.lowerCamel(argument.name()));
      } else if (parameter instanceof Operand operand) {
        arguments.add(operand.addressOnly() && !addresses ? "0" : operandArgument.apply(operand));
      }
    }
    return arguments;
  }

  private void entered(Kernel kernel, List<String> arguments) {
    source.line("    long handle = ACCESS.enter(stream);");
    source.line("    try {");
    source.nestedCall(6, "Native.check", "hs_" + kernel.name(), arguments, ";");
    source.line("    } finally {");
    source.line("      ACCESS.exit(stream);");
    source.line("    }");
    source.line("  }");
  }

  private void tensorForm(Kernel kernel) {
    open(kernel, Form.TENSOR, null);
    entered(kernel, arguments(kernel, "handle", false, FormsWriter::tensor));
  }

  private static String tensor(Operand operand) {
    String more = operand.orMore();
    String use =
        operand.optional()
            ? "useOptional"
            : more == null ? "use" : more.equals("true") ? "useAtLeast" : "useStrided";
    return "ACCESS."
        + use
        + "(stream, "
        + operand.javaName()
        + ", \""
        + operand.javaName()
        + "\", "
        + JavaTypes.dtype(operand, "")
        + ", "
        + JavaTypes.extent(operand, "")
        + (use.equals("useStrided") ? ", " + more : "")
        + ")";
  }

  /** The form on buffers or arrays. */
  private void hostForm(Kernel kernel, Form form, Arrays arrays) {
    open(kernel, form, arrays);
    if (form == Form.ARRAY) {
      requireTypes(kernel, arrays);
    }
    String function = (form == Form.ARRAY ? "ArrayCalls." : "") + "hs_" + kernel.name();
    List<String> arguments = arguments(kernel, "0", false, operand -> host(operand, form));
    source.nestedCall(4, "Native.check", function, arguments, ";");
    for (Operand operand : kernel.operands()) {
      if (!operand.addressOnly() && (form == Form.BUFFER || operand.isStruct())) {
        source.line("    Operands.keepAlive(" + operand.javaName() + ");");
      }
    }
    source.line("  }");
  }

  private void requireTypes(Kernel kernel, Arrays arrays) {
    List<Field> types = owner.types();
    if (types.isEmpty()) {
      return;
    }
    Field first = types.get(0);
    Field second = types.get(types.size() - 1);
    List<String> arguments = new ArrayList<>(List.of('"' + owner.title() + '"'));
    if (arrays.types().isEmpty()) {
      arguments.addAll(List.of(first.name(), second.name()));
      source.call(4, "Operands.requireF32", arguments, ";");
      return;
    }
    for (Field type : List.of(first, second)) {
      boolean bytes =
          kernel.operands().stream()
              .anyMatch(
                  operand ->
                      operand.type().equals(type.name())
                          && "byte[]".equals(arrays.types().get(operand.name())));
      arguments.addAll(List.of(type.name(), bytes ? "DType.U8" : "DType.F32"));
    }
    source.call(4, "Operands.requireTypes", arguments, ";");
  }

  private static String host(Operand operand, Form form) {
    String name = operand.javaName();
    if (operand.isStruct()) {
      String call = "HostStepState." + operand.host();
      return operand.optional()
          ? call
          : call.replace("(" + name, "(Operands.present(" + name + ", \"" + name + "\")");
    }
    String extent = JavaTypes.extent(operand, "");
    if (form == Form.ARRAY) {
      String check = operand.optional() ? "optional" : "array";
      return "Operands." + check + "(" + name + ", \"" + name + "\", " + extent + ")";
    }
    boolean read = operand.use() == Use.IN;
    String check =
        operand.optional() ? read ? "optionalInput" : "optionalOutput" : read ? "input" : "output";
    String type = JavaTypes.dtype(operand, "");
    return "Operands." + check + "(" + name + ", \"" + name + "\", " + type + ", " + extent + ")";
  }

  private void addressForm(Kernel kernel) {
    open(kernel, Form.ADDRESS, null);
    entered(kernel, arguments(kernel, "handle", true, Operand::javaName));
  }

  /** The form with the short list of operands, the others being null. */
  private void shortForm(Kernel kernel, Form form, Arrays arrays) {
    if (kernel.shortOperands().isEmpty()) {
      return;
    }
    List<String> passed = new ArrayList<>();
    List<String> left = new ArrayList<>();
    if (!form.onHost()) {
      passed.add("stream");
    }
    for (Operand operand : kernel.operands()) {
      boolean there = kernel.shortOperands().contains(operand.name());
      passed.add(there ? operand.javaName() : form == Form.ADDRESS ? "0" : "null");
      if (!there) {
        left.add(operand.javaName());
      }
    }
    String last = left.remove(left.size() - 1);
    source.line();
    source.javadoc(
        2,
        "As above, without "
            + (left.isEmpty() ? last : String.join(", ", left) + " and " + last)
            + ".");
    source.call(
        2,
        "public void " + kernel.method(),
        parameters(kernel, form, arrays, kernel.shortOperands()),
        " {");
    source.call(4, kernel.method(), passed, ";");
    source.line("  }");
  }
}
