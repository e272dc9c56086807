#include "CDeflate.h"

#include <zlib.h>

size_t cdeflate_bound(size_t count) { return compressBound(count); }

size_t cdeflate_compress(const unsigned char *from, size_t count, unsigned char *to, size_t capacity) {
    uLongf written = capacity;
    return compress(to, &written, from, count) == Z_OK ? written : 0;
}

long cdeflate_expand(const unsigned char *from, size_t count, unsigned char *to, size_t capacity) {
    uLongf written = capacity;
    return uncompress(to, &written, from, count) == Z_OK ? (long)written : -1;
}
