/** Programs to start from. */
module dev.halfstep.examples {
  requires dev.halfstep.report;
  requires static org.jspecify;
}
