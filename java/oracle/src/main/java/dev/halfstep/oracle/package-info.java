/**
 * NVIDIA's libraries beside our CUDA kernels, on our stream and our memory: an oracle for tests and
 * a baseline for measurements. {@link dev.halfstep.oracle.CudaLibraries} says which are missing,
 * {@link dev.halfstep.oracle.Oracle} compares and times. Not shipped.
 */
package dev.halfstep.oracle;
