#define _GNU_SOURCE
#include "CGzipFile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static ssize_t read_file(void *cookie, char *buffer, size_t count) {
    int read = gzread(cookie, buffer, count > 1 << 20 ? 1 << 20 : (unsigned)count);
    // A file cut short gives what it holds first and an error only then; libpcap says what is missing.
    return read < 0 ? 0 : read;
}

static int close_file(void *cookie) { return gzclose_r(cookie) == Z_OK ? 0 : EOF; }

FILE *cgzipfile_open(const char *path) {
    int descriptor = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return NULL;
    gzFile file = gzdopen(descriptor, "r");
    if (file == NULL) {
        close(descriptor);
        errno = ENOMEM;
        return NULL;
    }
    gzbuffer(file, 256 << 10);
    FILE *stream = fopencookie(file, "r", (cookie_io_functions_t){.read = read_file, .close = close_file});
    if (stream == NULL) gzclose_r(file);
    return stream;
}
