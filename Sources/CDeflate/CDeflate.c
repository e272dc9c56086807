#include "CDeflate.h"

#include <stdlib.h>
#include <zlib.h>

struct cdeflate {
    z_stream stream;
};

// A second is a few hundred bytes: it needs no window of 32 kB, and to clear the table that goes with one took longer than
// all the rest.
struct cdeflate *cdeflate_open(void) {
    struct cdeflate *state = calloc(1, sizeof *state);
    if (state && deflateInit2(&state->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 12, 4, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(state);
        return NULL;
    }
    return state;
}

void cdeflate_close(struct cdeflate *state) {
    deflateEnd(&state->stream);
    free(state);
}

size_t cdeflate_bound(struct cdeflate *state, size_t count) { return deflateBound(&state->stream, count); }

size_t cdeflate_compress(
    struct cdeflate *state, const unsigned char *from, size_t count, unsigned char *to, size_t capacity) {
    z_stream *stream = &state->stream;
    if (deflateReset(stream) != Z_OK) return 0;
    stream->next_in = (z_const Bytef *)from;
    stream->avail_in = count;
    stream->next_out = to;
    stream->avail_out = capacity;
    return deflate(stream, Z_FINISH) == Z_STREAM_END ? stream->total_out : 0;
}

long cdeflate_expand(const unsigned char *from, size_t count, unsigned char *to, size_t capacity) {
    uLongf written = capacity;
    return uncompress(to, &written, from, count) == Z_OK ? (long)written : -1;
}
