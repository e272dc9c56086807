// zlib streams from buffer to buffer. Here because zlib's functions that start one are macros, which Swift does not see.
#ifndef CDEFLATE_H
#define CDEFLATE_H
#include <stddef.h>

/// What a stream of `count` bytes may need at most.
size_t cdeflate_bound(size_t count);
/// Bytes written to `to`; 0 where they do not fit or there is no memory.
size_t cdeflate_compress(const unsigned char *from, size_t count, unsigned char *to, size_t capacity);
/// Bytes written to `to`, or -1: no such stream, cut short, damaged, or longer than `capacity`.
long cdeflate_expand(const unsigned char *from, size_t count, unsigned char *to, size_t capacity);
#endif
