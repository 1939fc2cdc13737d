/** Programs to start from. */
module dev.halfstep.examples {
  requires dev.halfstep.onnx;
  requires dev.halfstep.report;
  requires java.net.http;
  requires jdk.httpserver;
  requires static org.jspecify;
}
