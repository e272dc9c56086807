/// Whole texts, read by a person once and compared to the letter since.
enum Goldens {
    static let bareVM = #"""
        Privileges and limits
          missing  call tag            refused (Invalid argument) - probes and captures
                                       find every request of a call at one fixed place
                   $ sudo setcap cap_net_raw+ep /opt/sipmeter
          missing  raw socket          refused (Operation not permitted) - calls from
                                       many source addresses, with --transport raw
                   $ sudo setcap cap_net_raw+ep /opt/sipmeter
          missing  real-time priority  refused (Operation not permitted) - under
                                       --precise no other task delays a due call; else 1
                                       to 4 ms are lost now and then
                   $ sudo setcap cap_sys_nice+ep /opt/sipmeter
          ok       real-time share     950 of 1000 ms - a --precise worker that never
                                       sleeps is stopped for the rest of it
          missing  CAP_NET_ADMIN       not effective - large socket buffers beyond the
                                       system's limit, hardware timestamps switched on
                   $ sudo setcap cap_net_admin+ep /opt/sipmeter
          ok       file capabilities   none on the program - what an ordinary user's
                                       sipmeter may do
          ok       open files          1024 - 32 for a run, 300 with --workers 64

        Processors and clock
          ok       CPUs allowed        2 of 2 (0-1) - generator and server on one
                                       machine want a CPU each
          ok       CPU quota           none - when it is spent, every thread stands
                                       still to the end of the period
          ok       isolated CPUs       none - with isolcpus= at boot --cpu could put a
                                       worker where nothing else runs
          ok       SMT                 off or not seen from here - two threads of one
                                       core slow each other, now more and now less
          ok       frequency governor  none here: the host's business - a clock that
                                       follows the load makes light loads answer slower
          limited  idle states         HLT (driver none): leaves the virtual machine, 20
                                       us and more to wake - waking a sleeping CPU comes
                                       on top of every answer to an idle server
                   > hold /dev/cpu_dma_latency at 0 (below), or boot the guest with
                     idle=poll
          limited  wake-up latency     /dev/cpu_dma_latency cannot be opened - a program
                                       that holds it at 0 keeps CPUs awake for as long
                                       as it runs
                   $ sudo sh -c 'exec 3>/dev/cpu_dma_latency; printf "\0\0\0\0" >&3; exec /opt/sipmeter run'
          ok       clock source        kvm-clock - a call reads it a dozen times: some
                                       20 ns each, or a system call

        Machine
          limited  hypervisor          KVM (QEMU Standard PC (Q35 + ICH9, 2009)) - a
                                       vCPU that had halted or was put aside answers
                                       late, and nothing inside sees it
                   > compare with a run on bare metal, or watch the host as well
          limited  stolen time         2.00 % since boot - the hypervisor ran somebody
                                       else on our CPUs
                   > a machine with vCPUs of its own, or pinned ones
          limited  halt polling, guest guest_halt_poll_ns 0 - an idle vCPU that polls
                                       first answers without leaving the virtual machine
                   $ echo 200000 | sudo tee /sys/module/haltpoll/parameters/guest_halt_poll_ns
          ok       container           none - bridged calls pass veth and address
                                       translation, and /proc/sys is partly the host's

        Network
          ok       loopback            carries datagrams - a run without a target
                                       answers itself there
          limited  receive buffer      208 KiB of 4 MiB asked for (rmem_max 208 KiB) -
                                       answers lost for want of room look like the
                                       server's losses
                   $ sudo sysctl -w net.core.rmem_max=4194304
          limited  send buffer         208 KiB of 4 MiB asked for (wmem_max 208 KiB) - a
                                       burst that does not fit is sent later
                   $ sudo sysctl -w net.core.wmem_max=4194304
          ok       default buffer      208 KiB - a server here that asks for none loses
                                       what comes beyond it
          ok       device backlog      1000 packets a CPU - a burst beyond it is lost on
                                       loopback and veth without a trace
          ok       UDP segmentation    offered by the kernel - --batch sends many
                                       untagged requests for the price of one
          ok       timestamps          lo: software both ways - the kernel's stamps
                                       leave our own delays out of a response time
          limited  timestamps          eth0: software on receiving only - the kernel's
                                       stamps leave our own delays out of a response
                                       time
                   > another driver or network card (ethtool -T eth0)

        Kernel probes
          missing  probes of explain   none: the interfaces alone; CAP_BPF and
                                       CAP_PERFMON are missing - what explain can see of
                                       a server on this machine
                   $ sudo setcap cap_perfmon,cap_bpf+ep /opt/sipmeter
          missing  BPF privilege       not effective (CAP_BPF, CAP_PERFMON) - programs
                                       in the kernel say where on this host a request
                                       waited
                   $ sudo setcap cap_perfmon,cap_bpf+ep /opt/sipmeter
          ok       kernel types (BTF)  /sys/kernel/btf/vmlinux - probes read the
                                       kernel's structures by it, whatever its version
          ok       lockdown            none to be seen - confidentiality forbids
                                       programs to read kernel memory
          ok       BPF for everyone    off (unprivileged_bpf_disabled 2) - no matter:
                                       the probes need the privilege above either way
          ok       locked memory       8 MiB - not what BPF counts against since Linux
                                       5.11

        19 ok, 8 limited, 6 missing. A run without options works here.
        All privileges at once (setcap replaces what the file had):
          $ sudo setcap cap_net_admin,cap_net_raw,cap_sys_nice,cap_perfmon,cap_bpf+ep /opt/sipmeter

        """#

    static let container = #"""
        Privileges and limits
          missing  call tag            refused (Invalid argument) - probes and captures
                                       find every request of a call at one fixed place
                   > start the container with --cap-add=NET_RAW
          missing  raw socket          refused (Operation not permitted) - calls from
                                       many source addresses, with --transport raw
                   > start the container with --cap-add=NET_RAW
          missing  real-time priority  refused (Operation not permitted) - under
                                       --precise no other task delays a due call; else 1
                                       to 4 ms are lost now and then
                   > start the container with --cap-add=SYS_NICE
          limited  real-time share     100 of 1000 ms - a --precise worker that never
                                       sleeps is stopped for the rest of it
                   $ sudo sysctl -w kernel.sched_rt_runtime_us=950000
          missing  CAP_NET_ADMIN       not effective - large socket buffers beyond the
                                       system's limit, hardware timestamps switched on
                   > start the container with --cap-add=NET_ADMIN
          ok       file capabilities   none on the program - what an ordinary user's
                                       sipmeter may do
          missing  open files          16 - 32 for a run, 300 with --workers 64
                   $ ulimit -n 1024

        Processors and clock
          limited  CPUs allowed        1 of 4 (3) - generator and server on one machine
                                       want a CPU each
                   > start the container without --cpuset-cpus
          limited  CPU quota           1.5 CPUs, in periods of 100 ms - when it is
                                       spent, every thread stands still to the end of
                                       the period
                   > start the container without --cpus, or docker update --cpus=4 NAME
          ok       isolated CPUs       none - with isolcpus= at boot --cpu could put a
                                       worker where nothing else runs
          limited  SMT                 on - two threads of one core slow each other, now
                                       more and now less
                   $ echo off | sudo tee /sys/devices/system/cpu/smt/control
          ok       frequency governor  none here: the host's business - a clock that
                                       follows the load makes light loads answer slower
          limited  idle states         HLT (driver none): leaves the virtual machine, 20
                                       us and more to wake - waking a sleeping CPU comes
                                       on top of every answer to an idle server
                   > hold /dev/cpu_dma_latency at 0 (below), or boot the guest with
                     idle=poll
          limited  wake-up latency     /dev/cpu_dma_latency cannot be opened - a program
                                       that holds it at 0 keeps CPUs awake for as long
                                       as it runs
                   > start the container with --device=/dev/cpu_dma_latency
          limited  clock source        hpet - a call reads it a dozen times: some 20 ns
                                       each, or a system call
                   > boot with tsc=reliable, if the machine's TSC is

        Machine
          limited  hypervisor          of an unknown kind - a vCPU that had halted or
                                       was put aside answers late, and nothing inside
                                       sees it
                   > compare with a run on bare metal, or watch the host as well
          limited  stolen time         5.00 % since boot - the hypervisor ran somebody
                                       else on our CPUs
                   > a machine with vCPUs of its own, or pinned ones
          limited  container           Docker (/.dockerenv) - bridged calls pass veth
                                       and address translation, and /proc/sys is partly
                                       the host's
                   > start the container with --network=host, or measure outside it

        Network
          missing  loopback            carries no datagram (Network is unreachable) - a
                                       run without a target answers itself there
                   $ sudo ip link set lo up
          limited  receive buffer      104 KiB of 4 MiB asked for - answers lost for
                                       want of room look like the server's losses
                   > on the host: sysctl -w net.core.rmem_max=4194304
          limited  send buffer         104 KiB of 4 MiB asked for - a burst that does
                                       not fit is sent later
                   > on the host: sysctl -w net.core.wmem_max=4194304
          missing  UDP segmentation    refused (Protocol not available) - --batch sends
                                       many untagged requests for the price of one
                   > Linux 4.18 or later
          limited  timestamps          veth0, veth1, veth2, veth3 +2: software on
                                       receiving only - the kernel's stamps leave our
                                       own delays out of a response time
                   > another driver or network card (ethtool -T veth0)

        Kernel probes
          missing  probes of explain   none: the interfaces alone; CAP_BPF and
                                       CAP_PERFMON are missing - what explain can see of
                                       a server on this machine
                   > start the container with --cap-add=SYS_ADMIN
          missing  BPF privilege       not effective (CAP_SYS_ADMIN) - programs in the
                                       kernel say where on this host a request waited
                   > start the container with --cap-add=SYS_ADMIN
          missing  kernel types (BTF)  /sys/kernel/btf/vmlinux is not there - probes
                                       read the kernel's structures by it, whatever its
                                       version
                   > a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are
          missing  lockdown            confidentiality - confidentiality forbids
                                       programs to read kernel memory
                   > boot without lockdown=confidentiality
          limited  locked memory       8 MiB - this kernel charges the probes' ring to
                                       it
                   $ ulimit -l 16384

        3 ok, 14 limited, 11 missing. A run without options does not work here:
        loopback, open files.

        """#

    static let bareMetal = #"""
        Privileges and limits
          ok       call tag            works - probes and captures find every request of
                                       a call at one fixed place
          ok       raw socket          works - calls from many source addresses, with
                                       --transport raw
          ok       real-time priority  works (CAP_SYS_NICE) - under --precise no other
                                       task delays a due call; else 1 to 4 ms are lost
                                       now and then
          ok       real-time share     not limited (sched_rt_runtime_us -1) - a
                                       --precise worker that never sleeps is stopped for
                                       the rest of it
          ok       CAP_NET_ADMIN       effective - large socket buffers beyond the
                                       system's limit, hardware timestamps switched on
          ok       file capabilities   cap_net_admin, cap_net_raw, cap_sys_nice,
                                       cap_perfmon, cap_bpf - what an ordinary user's
                                       sipmeter may do
          ok       open files          unlimited - 32 for a run, 300 with --workers 64

        Processors and clock
          ok       CPUs allowed        16 of 16 (0-15) - generator and server on one
                                       machine want a CPU each
          ok       CPU quota           none - when it is spent, every thread stands
                                       still to the end of the period
          ok       isolated CPUs       8-15 - --cpu puts a worker where nothing else
                                       runs
          ok       SMT                 off or not seen from here - two threads of one
                                       core slow each other, now more and now less
          ok       frequency governor  performance - a clock that follows the load makes
                                       light loads answer slower
          ok       idle states         intel_idle, down to C1: 2 us to wake - waking a
                                       sleeping CPU comes on top of every answer to an
                                       idle server
          ok       wake-up latency     held at 0 us - a program that holds it at 0 keeps
                                       CPUs awake for as long as it runs
          ok       clock source        tsc - a call reads it a dozen times: some 20 ns
                                       each, or a system call

        Machine
          ok       hypervisor          none (Dell Inc. PowerEdge R650) - a vCPU that had
                                       halted or was put aside answers late, and nothing
                                       inside sees it
          ok       halt polling, host  halt_poll_ns 200000 - guests of this machine that
                                       had just halted are woken sooner
          ok       container           none - bridged calls pass veth and address
                                       translation, and /proc/sys is partly the host's

        Network
          ok       loopback            carries datagrams - a run without a target
                                       answers itself there
          ok       receive buffer      4 MiB of 4 MiB asked for (rmem_max 8 MiB) -
                                       answers lost for want of room look like the
                                       server's losses
          ok       send buffer         4 MiB of 4 MiB asked for (wmem_max 8 MiB) - a
                                       burst that does not fit is sent later
          ok       default buffer      208 KiB - a server here that asks for none loses
                                       what comes beyond it
          ok       device backlog      5000 packets a CPU - a burst beyond it is lost on
                                       loopback and veth without a trace
          ok       UDP segmentation    offered by the kernel - --batch sends many
                                       untagged requests for the price of one
          ok       timestamps          lo: software both ways - the kernel's stamps
                                       leave our own delays out of a response time
          ok       timestamps          eno1: software both ways, hardware (PTP clock 0)
                                       - the kernel's stamps leave our own delays out of
                                       a response time

        Kernel probes
          ok       probes of explain   functions and tracepoints - what explain can see
                                       of a server on this machine
          ok       BPF privilege       effective - programs in the kernel say where on
                                       this host a request waited
          ok       kernel types (BTF)  /sys/kernel/btf/vmlinux - probes read the
                                       kernel's structures by it, whatever its version
          ok       lockdown            none - confidentiality forbids programs to read
                                       kernel memory
          ok       BPF for everyone    on (unprivileged_bpf_disabled 0) - no matter: the
                                       probes need the privilege above either way
          ok       locked memory       unlimited - not what BPF counts against since
                                       Linux 5.11

        32 ok, 0 limited, 0 missing. A run without options works here.

        """#
}
