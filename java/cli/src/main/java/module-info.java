/** The commands. */
module dev.halfstep.cli {
  requires dev.halfstep.onnx;
  requires dev.halfstep.report;
  requires info.picocli;
  requires jdk.unsupported;
  requires org.slf4j;
  requires static org.jspecify;

  opens dev.halfstep.cli to
      com.fasterxml.jackson.databind,
      info.picocli;
}
