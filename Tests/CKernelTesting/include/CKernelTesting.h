// What the transport's tests need of the kernel beyond UDP. Each returns minus errno where it fails.
#ifndef CKERNELTESTING_H
#define CKERNELTESTING_H

// A packet socket that sees every frame of one interface, link header first.
int kerneltesting_open_capture(const char *interface);
// Takes CAP_NET_RAW from the calling thread only. The thread must not be used for anything else afterwards.
int kerneltesting_drop_net_raw(void);
// Gives the calling thread an empty network namespace, which ends with the thread.
int kerneltesting_unshare_network(void);
// Runs a shell command in the calling thread's network namespace.
int kerneltesting_shell(const char *command);
// The CPU the calling thread is on.
int kerneltesting_cpu(void);

#endif
