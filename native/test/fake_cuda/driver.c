/* A libcuda.so.1 that is there, and no more: CudaErrorsTest loads it where a driver would be. */
int cuInit(unsigned flags) { return flags == 0 ? 0 : 1; }
