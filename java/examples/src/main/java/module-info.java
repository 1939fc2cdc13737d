/** Programs to start from. */
module dev.halfstep.examples {
  requires dev.halfstep.train;
  requires static org.jspecify;
}
