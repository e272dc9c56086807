// libbpf, as far as the probes need it, in a form Swift can call: no macros, no variadic callbacks. Nothing here decides
// anything.
//
// Functions that can fail return a negative errno.
#ifndef CBPF_H
#define CBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe_config.h"
#include "trace_record.h"

struct bpf_object;
struct bpf_link;
struct ring_buffer;

// What libbpf and the kernel's verifier said on this thread since it was asked last, cut at 64 kB.
const char *cbpf_messages(void);

// An object of these bytes, which are copied. Null: errno says why.
struct bpf_object *cbpf_open(const void *bytes, size_t count);
void cbpf_close(struct bpf_object *object);
int cbpf_configure(struct bpf_object *object, const struct probe_config *config);
// Whether `load` takes this program along.
int cbpf_select(struct bpf_object *object, const char *program, bool is_wanted);
int cbpf_load(struct bpf_object *object);

// Null: `error` has the errno.
struct bpf_link *cbpf_attach(struct bpf_object *object, const char *program, int *error);
void cbpf_detach(struct bpf_link *link);

int cbpf_map(struct bpf_object *object, const char *name);
int cbpf_map_set(int map, const void *key, const void *value);
// The sum of a counter over all CPUs.
int cbpf_map_sum(int map, uint32_t slot, uint64_t *sum);

// How often a program ran and how long it took, as far as the kernel counted it.
int cbpf_program_cost(struct bpf_object *object, const char *program, uint64_t *runs, uint64_t *nanoseconds);
// The kernel counts as long as this descriptor is open.
int cbpf_count_costs(void);

// Whether the running kernel has this tracepoint (as BTF tells), or this function.
bool cbpf_has_tracepoint(const char *name);
bool cbpf_has_function(const char *name);

typedef int (*cbpf_sample)(void *context, void *bytes, size_t count);
struct ring_buffer *cbpf_ring(int map, cbpf_sample sample, void *context);
// Hands over what lies in the ring; never waits.
int cbpf_drain(struct ring_buffer *ring);
void cbpf_close_ring(struct ring_buffer *ring);

#endif
