/** The commands, their charts and reports. */
module dev.halfstep.cli {
  requires dev.halfstep.train;
  requires com.fasterxml.jackson.databind;
  requires info.picocli;
  requires java.desktop;
  requires jdk.unsupported;
  requires org.knowm.xchart;
  requires org.slf4j;
  requires static org.jspecify;

  opens dev.halfstep.cli to
      com.fasterxml.jackson.databind,
      info.picocli;
}
