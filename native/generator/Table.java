package generator;

import java.util.List;

/** The contents of {@code kernels.txt}, which {@link TableReader} has read and checked. */
record Table(List<JavaClass> classes, List<Kernel> kernels) {

  /** A field of a Java class. */
  record Field(String type, String name) {
    /** Whether the C ABI takes its {@code code()}. */
    boolean hasCode() {
      return type.equals("DType") || type.equals("Activation");
    }
  }

  /** How tests make a kernel, and the operands that such a kernel does not take. */
  record Sample(String name, List<String> without, String expression) {}

  /** A Java class with the kernels that are its methods. */
  record JavaClass(
      String name, String title, List<Field> fields, List<Sample> samples, List<Kernel> kernels) {
    Field field(String wanted) {
      return fields.stream().filter(f -> f.name.equals(wanted)).findFirst().orElse(null);
    }

    /** The fields that are types. */
    List<Field> types() {
      return fields.stream().filter(field -> field.type.equals("DType")).toList();
    }

    /** The descriptor's C type; null without one. */
    String descriptor() {
      return kernels.stream()
          .flatMap(kernel -> kernel.parameters.stream())
          .filter(Descriptor.class::isInstance)
          .map(parameter -> ((Descriptor) parameter).cType())
          .findFirst()
          .orElse(null);
    }
  }

  /** Arrays of other types than the operands' own, by the operand's C name. */
  record Arrays(java.util.Map<String, String> types) {}

  /** A kernel; {@code parameters} in the order of halfstep.h, without the stream. */
  record Kernel(
      String name,
      String family,
      String className,
      String method,
      String text,
      List<Parameter> parameters,
      List<String> forms,
      List<Arrays> arrays,
      List<String> shortOperands,
      Check check,
      String before,
      boolean callByHand,
      List<Part> parts,
      List<StreamFlag> streamFlags) {
    List<Operand> operands() {
      return parameters.stream()
          .filter(Operand.class::isInstance)
          .map(Operand.class::cast)
          .toList();
    }

    /** Whether it is made of the arguments of other kernels and has no function in halfstep.h. */
    boolean internal() {
      return !parts.isEmpty();
    }

    /** The struct of its arguments in C++. */
    String args() {
      return Names.upperCamel(name) + "Args";
    }
  }

  /** A method of the Java class that is told which operands are given. */
  record Check(String method, List<String> operands) {}

  /** The arguments of another kernel as a part of this one's. */
  record Part(String name, String kernel) {}

  /** A bool that the C++ arguments take from the stream. */
  record StreamFlag(String name, String expression) {}

  /** A parameter of a function of halfstep.h. */
  sealed interface Parameter permits Descriptor, Value, Argument, Copied, Operand {
    /** Its name in C. */
    String name();
  }

  /** The kernel's descriptor. */
  record Descriptor(String name, String cType) implements Parameter {}

  /** A number or type that is a field of the Java class, or an expression over them. */
  record Value(String name, String cType, String expression) implements Parameter {}

  /** A number that a caller gives. */
  record Argument(String name, String cType, boolean addressOnly) implements Parameter {}

  /** A struct behind a pointer that may be null; {@code flag} says whether it was given. */
  record Copied(String name, String cType, String flag) implements Parameter {}

  /** How a call uses an operand. */
  enum Use {
    IN,
    OUT,
    INOUT
  }

  /** Memory: {@code extent} elements of a type. */
  record Operand(
      String name,
      Use use,
      String type,
      String extent,
      boolean optional,
      List<String> needs,
      String orMore,
      boolean addressOnly,
      String host)
      implements Parameter {
    /** Its name in Java. */
    String javaName() {
      return Names.lowerCamel(name);
    }

    /** Whether it is a struct of halfstep.h, such as {@code hs_step_state}. */
    boolean isStruct() {
      return type.startsWith("hs_");
    }

    boolean isState() {
      return type.equals("hs_step_state");
    }
  }
}
