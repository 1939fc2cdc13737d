/**
 * Models as <a href="https://onnx.ai">ONNX</a> files, which ONNX Runtime and many other programs
 * run: {@link dev.halfstep.onnx.OnnxExport} writes them, {@link dev.halfstep.onnx.OnnxImport} reads
 * them.
 */
@NullMarked
package dev.halfstep.onnx;

import org.jspecify.annotations.NullMarked;
