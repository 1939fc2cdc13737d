/** Reports and figures of runs and studies: what the command line writes, for any program. */
module dev.halfstep.report {
  exports dev.halfstep.report;

  requires transitive dev.halfstep.train;
  requires com.fasterxml.jackson.databind;
  requires java.desktop;
  requires org.knowm.xchart;
  requires static org.jspecify;

  opens dev.halfstep.report to
      com.fasterxml.jackson.databind;
}
