/** Models as ONNX files. */
module dev.halfstep.onnx {
  exports dev.halfstep.onnx;

  requires transitive dev.halfstep.train;
  requires com.google.protobuf;
  requires org.tribuo.util.onnx;
  requires static org.jspecify;
}
