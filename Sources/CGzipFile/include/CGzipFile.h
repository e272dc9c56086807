// A gzip file as a stdio stream, because libpcap reads nothing else. Swift's Glibc module has no fopencookie.
#ifndef CGZIPFILE_H
#define CGZIPFILE_H
#include <stdio.h>

/// Opens for reading what may be compressed or not; `-` is standard input. NULL with errno set.
FILE *cgzipfile_open(const char *path);
#endif
