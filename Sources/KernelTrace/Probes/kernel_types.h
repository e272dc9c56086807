// Of the kernel's structures just the members the probes read. Where they lie is taken from the running kernel's BTF when
// the programs are loaded (CO-RE), so that no kernel version stands here.
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#define KERNEL_TYPE __attribute__((preserve_access_index))

struct ns_common {
    unsigned int inum;
} KERNEL_TYPE;

struct net {
    struct ns_common ns;
} KERNEL_TYPE;

typedef struct {
    struct net *net;
} KERNEL_TYPE possible_net_t;

struct net_device {
    int ifindex;
    possible_net_t nd_net;
} KERNEL_TYPE;

struct sk_buff {
    struct net_device *dev;
    unsigned char *head;
    unsigned char *data;
    __u16 network_header;
} KERNEL_TYPE;

struct sock_common {
    // In host order.
    __u16 skc_num;
    // The address it is bound to, as in a packet; 0: any.
    __u32 skc_rcv_saddr;
    possible_net_t skc_net;
} KERNEL_TYPE;

struct sock {
    struct sock_common __sk_common;
    __u16 sk_protocol;
} KERNEL_TYPE;

struct task_struct {
    int pid;
    int tgid;
    char comm[16];
} KERNEL_TYPE;

struct iovec {
    void *iov_base;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
    unsigned long si;
} KERNEL_TYPE;
#define SECOND_ARGUMENT(regs) BPF_CORE_READ((struct pt_regs *)(regs), si)
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
    unsigned long regs[31];
} KERNEL_TYPE;
#define SECOND_ARGUMENT(regs) BPF_CORE_READ((struct user_pt_regs *)(regs), regs[1])
#else
#error "the register of a system call's second argument is not known for this processor"
#endif

#endif
