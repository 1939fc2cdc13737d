/** Programs to start from. */
module dev.halfstep.examples {
  requires dev.halfstep.train;
  requires org.knowm.xchart;
  requires static org.jspecify;
}
