/* An empty libcuda.so.1, which CudaErrorsTest loads in place of a driver. */
int cuInit(unsigned flags) { return flags == 0 ? 0 : 1; }
