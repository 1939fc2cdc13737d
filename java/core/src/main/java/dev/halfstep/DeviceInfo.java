package dev.halfstep;

/**
 * A device's name and kind, and the use of its memory; all sizes are in bytes.
 *
 * @param backend "cpu", "cuda" or "noop"
 * @param name the chip's own name
 * @param detail CPU: the instruction set in use; CUDA: compute capability and driver
 * @param ordinal which of the backend's devices, counted from 0
 * @param threads CPU: threads of the pool; CUDA: multiprocessors
 * @param memoryTotal bytes of the device; CPU: no more than the process's container may have
 * @param memoryAvailable bytes the device could still give, its limit aside
 * @param memoryLimit bytes that may be held at once; 0: no limit
 * @param memoryUsed bytes that tensors and, on a GPU, command lists hold now
 * @param memoryPeak the most bytes held at once since the device was opened
 */
public record DeviceInfo(
    String backend,
    String name,
    String detail,
    int ordinal,
    int threads,
    long memoryTotal,
    long memoryAvailable,
    long memoryLimit,
    long memoryUsed,
    long memoryPeak) {}
