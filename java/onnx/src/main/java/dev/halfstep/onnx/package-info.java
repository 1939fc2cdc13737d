/**
 * Writes models as <a href="https://onnx.ai">ONNX</a> files, which ONNX Runtime and many other
 * programs run. {@link dev.halfstep.onnx.OnnxExport} is where to start.
 */
@NullMarked
package dev.halfstep.onnx;

import org.jspecify.annotations.NullMarked;
