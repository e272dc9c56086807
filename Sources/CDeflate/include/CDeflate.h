// zlib streams from buffer to buffer. Here because zlib's functions that start one are macros, which Swift does not see.
#ifndef CDEFLATE_H
#define CDEFLATE_H
#include <stddef.h>

/// Makes one stream after another in the same memory.
struct cdeflate;
/// NULL: there is no memory.
struct cdeflate *cdeflate_open(void);
void cdeflate_close(struct cdeflate *state);
/// What a stream of `count` bytes may need at most.
size_t cdeflate_bound(struct cdeflate *state, size_t count);
/// Bytes written to `to`; 0 where they do not fit.
size_t cdeflate_compress(
    struct cdeflate *state, const unsigned char *from, size_t count, unsigned char *to, size_t capacity);
/// Bytes written to `to`, or -1: no such stream, cut short, damaged, or longer than `capacity`.
long cdeflate_expand(const unsigned char *from, size_t count, unsigned char *to, size_t capacity);
#endif
