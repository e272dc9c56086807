#include "include/CBPF.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 64 << 10 };
static _Thread_local char messages[MESSAGES];
static _Thread_local char told[MESSAGES];

static int keep(enum libbpf_print_level level, const char *format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    size_t used = strlen(messages);
    return vsnprintf(messages + used, MESSAGES - used, format, arguments);
}

const char *cbpf_messages(void) {
    memcpy(told, messages, MESSAGES);
    messages[0] = 0;
    return told;
}

struct bpf_object *cbpf_open(const void *bytes, size_t count) {
    libbpf_set_print(keep);
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "sipmeter");
    return bpf_object__open_mem(bytes, count, &options);
}

void cbpf_close(struct bpf_object *object) { bpf_object__close(object); }

int cbpf_configure(struct bpf_object *object, const struct probe_config *config) {
    struct bpf_map *constants = bpf_object__find_map_by_name(object, ".rodata");
    if (!constants) return -ENOENT;
    // The compiler lays nothing else into this section.
    return bpf_map__set_initial_value(constants, config, sizeof(*config));
}

int cbpf_select(struct bpf_object *object, const char *name, bool is_wanted) {
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);
    return program ? bpf_program__set_autoload(program, is_wanted) : -ENOENT;
}

int cbpf_load(struct bpf_object *object) { return bpf_object__load(object); }

struct bpf_link *cbpf_attach(struct bpf_object *object, const char *name, int *error) {
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);
    struct bpf_link *link = program ? bpf_program__attach(program) : NULL;
    *error = link ? 0 : program ? -errno : -ENOENT;
    return link;
}

void cbpf_detach(struct bpf_link *link) { bpf_link__destroy(link); }

int cbpf_map(struct bpf_object *object, const char *name) { return bpf_object__find_map_fd_by_name(object, name); }

int cbpf_map_set(int map, const void *key, const void *value) { return bpf_map_update_elem(map, key, value, BPF_ANY); }

int cbpf_map_sum(int map, uint32_t slot, uint64_t *sum) {
    int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) return cpus;
    uint64_t *values = calloc((size_t)cpus, sizeof(*values));
    if (!values) return -ENOMEM;
    int result = bpf_map_lookup_elem(map, &slot, values);
    *sum = 0;
    for (int i = 0; result == 0 && i < cpus; i++) *sum += values[i];
    free(values);
    return result;
}

int cbpf_program_cost(struct bpf_object *object, const char *name, uint64_t *runs, uint64_t *nanoseconds) {
    struct bpf_program *program = bpf_object__find_program_by_name(object, name);
    if (!program) return -ENOENT;
    struct bpf_prog_info info = {0};
    uint32_t size = sizeof(info);
    int result = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
    if (result == 0) {
        *runs = info.run_cnt;
        *nanoseconds = info.run_time_ns;
    }
    return result;
}

int cbpf_count_costs(void) { return bpf_enable_stats(BPF_STATS_RUN_TIME); }

static int kernel_type(const char *name, uint32_t kind) {
    static struct btf *types;
    if (!types) types = btf__load_vmlinux_btf();
    return types ? btf__find_by_name_kind(types, name, kind) : -ENOENT;
}

bool cbpf_has_tracepoint(const char *name) {
    char type[128];
    snprintf(type, sizeof(type), "btf_trace_%s", name);
    return kernel_type(type, BTF_KIND_TYPEDEF) > 0;
}

bool cbpf_has_function(const char *name) { return kernel_type(name, BTF_KIND_FUNC) > 0; }

struct ring_buffer *cbpf_ring(int map, cbpf_sample sample, void *context) {
    return ring_buffer__new(map, sample, context, NULL);
}

int cbpf_drain(struct ring_buffer *ring) { return ring_buffer__consume(ring); }

void cbpf_close_ring(struct ring_buffer *ring) { ring_buffer__free(ring); }
