// Geometry and sampling are one source for the processor and the GPU, so that what a test shows of one holds for both.
// Neither may contract a product and a sum into one rounding (-ffp-contract=off, -fmad=false), or they differ in bits.
#pragma once

#ifdef __CUDACC__
#define BATCHPROOF_HOST_DEVICE __host__ __device__
#else
#define BATCHPROOF_HOST_DEVICE
#endif
