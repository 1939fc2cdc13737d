/** Programs to start from. */
module dev.halfstep.examples {
  requires dev.halfstep.train;
  requires java.net.http;
  requires jdk.httpserver;
  requires org.knowm.xchart;
  requires static org.jspecify;
}
