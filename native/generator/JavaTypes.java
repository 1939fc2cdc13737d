package generator;

import generator.Table.JavaClass;
import generator.Table.Operand;
import generator.Table.Value;

/** Translates the table's types and expressions to Java. */
final class JavaTypes {
  private JavaTypes() {}

  /** The type of a number of the C ABI. */
  static String number(String cType) {
    return switch (cType) {
      case "float", "double" -> cType;
      case "int64_t", "uint64_t" -> "long";
      case "const int64_t*" -> "long[]";
      case "const int32_t*" -> "int[]";
      default -> "int";
    };
  }

  /** The array of an operand; null for a struct, which arrays do not hold. */
  static String array(Operand operand) {
    if (operand.isStruct() || operand.addressOnly()) {
      return null;
    }
    return switch (operand.type()) {
      case "i32" -> "int[]";
      case "u8" -> "byte[]";
      default -> "float[]";
    };
  }

  /** The operand's DType, as an expression over the fields that are prefixed. */
  static String dtype(Operand operand, String prefix) {
    return switch (operand.type()) {
      case "f32" -> "DType.F32";
      case "i32" -> "DType.I32";
      case "u8", "hs_step_state" -> "DType.U8";
      case "f64" -> "DType.F64";
      default -> prefix + operand.type();
    };
  }

  /** The operand's number of elements, as an expression over the fields that are prefixed. */
  static String extent(Operand operand, String prefix) {
    return operand.isState() ? "HostStepState.BYTES" : prefix + operand.extent();
  }

  /** The argument that a call passes for a value. */
  static String value(JavaClass owner, Value value) {
    Table.Field field = owner.field(value.expression());
    return field != null && field.hasCode() ? field.name() + ".code()" : value.expression();
  }
}
