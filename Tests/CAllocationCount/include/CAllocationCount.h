#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

#include <stdint.h>

/// Allocations of the calling thread so far. Linked into an executable, this target takes the place of malloc and its
/// kin for everything in it, the Swift runtime included.
uint64_t allocationcount_of_this_thread(void);

/// 0 under a sanitizer, which needs the allocator for itself: then nothing is counted.
int allocationcount_is_counting(void);

#endif
