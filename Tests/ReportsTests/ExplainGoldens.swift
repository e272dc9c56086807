/// Whole texts, read by a person once and compared to the letter since. Every figure follows from `MadeUpServer`.
enum ExplainGoldens {
    static let everything = """
        VERDICT  83 % of the swing is socket wait; 71 % of that is the server thread
                 busy with earlier requests; arrivals come in bursts of 8.
          > One thread reads the socket and is busy when the next request comes: more
            workers would share it.
          > Send evenly to see the server without bursts:
            $ sipmeter explain 192.0.2.10:5060 --rate 500 --duration 10 --burst 1

        Points      host: kernel functions and raw tracepoints, port 5060
          exact     arrival at the host   by the call tag
          exact     read from the tap     by the call tag
          exact     reply at the host     by the SIP text
                    guest: raw tracepoints, port 5060, 50 % of the requests recorded
          exact     driver to stack       by the call tag
          exact     protocol start        by the call tag
          exact     socket queue          by the packet the CPU was working on
          inferred  application received  by order: fentry is refused by the kernel's
                                          lockdown
          exact     application sent      by the SIP text
          exact     reply on the wire     by the SIP text
          missing   receive buffer full   no tracepoint for it in this kernel (5.10)

        Blocks, us                 mean      sd     p50     p99     max  % mean  % swing
        tap queue                 6.635   2.700   6.558   13.19   13.91     1.2      0.8
        copy and guest wake-up    26.19   13.65   20.61   61.98   63.86     4.6      0.1
        softirq                   1.259   0.424   1.060   2.360   2.399     0.2      0.0
        protocol                  2.635   0.716   2.338   4.445   4.491     0.5      0.0
        socket wait               405.3   264.2   416.3   973.4    1476    70.6     99.1
        application               108.2   2.599   107.0   114.8   115.0    18.9      0.1
        transmit stack            3.315   0.351   3.162   4.169   4.198     0.6      0.0
        reply to host             9.516   3.946   7.678   19.59   19.99     1.7      0.0
        reply to client           10.78   1.961   9.953   15.76   15.98     1.9      0.0
        total                     573.8   266.1   586.5    1165    1643   100.0    100.0
          Inferred, by order: socket wait, application
          From one clock to another: copy and guest wake-up +- 26.0 us, reply to host +-
            26.0 us

        Socket wait, us                               mean       max     share
          busy with earlier work                     398.3      1476    98.3 %
          runnable behind another task               5.322     264.6     1.3 %
          runnable, CPU waking from idle             1.706     35.60     0.4 %
          In front: sh 38.6 %, ksoftirqd/1 32.7 %, kworker/1:2 28.8 %
          From woken to running, us: p50 17.74  p90 108.7  p99 262.9  max 264.6  n 185

        Bursts, size        bursts    requests   mean wait, us    wait of last
          8                    125        1000           405.3           791.8

        Queue depth tap as it was read: mean 1.9, max 3
                    socket as each came: mean 3.9, max 8

        Joined      1000 of 1002 requests   2 lacked: application received
        Dropped     3 datagrams dropped by a full receive buffer
                    1 request sent again for it
        Sent again  1 request seen arriving more than once
        Clocks      host-guest: the guest's clock is ahead by 1.204511 s, +- 26.0 us, by
                    998 requests
        Recording   12 records found no room in the ring (guest)
                    1 packet reached the socket on another CPU: inferred (guest)
        Stolen      13.25 ms of CPU time by the hypervisor in 2.1 s (guest)
        Probes cost 1.8 us a request in 5.2 runs, by the kernel's own counting
                    response time with against without them: +1.2 us (95 % interval
                    -0.4..2.9, 10 rounds)

        """

    static let one = """
        VERDICT  One request.

        Blocks, us                 mean      sd     p50     p99     max  % mean  % swing
        tap queue                 2.143     n/a   2.143     n/a   2.143     1.2      n/a
        copy and guest wake-up    24.91     n/a   24.91     n/a   24.91    14.0      n/a
        softirq                   1.311     n/a   1.311     n/a   1.311     0.7      n/a
        protocol                  3.386     n/a   3.386     n/a   3.386     1.9      n/a
        socket wait               10.14     n/a   10.14     n/a   10.14     5.7      n/a
        application               110.3     n/a   110.3     n/a   110.3    61.9      n/a
        transmit stack            3.153     n/a   3.153     n/a   3.153     1.8      n/a
        reply to host             13.40     n/a   13.40     n/a   13.40     7.5      n/a
        reply to client           9.333     n/a   9.333     n/a   9.333     5.2      n/a
        total                     178.1     n/a   178.1     n/a   178.1   100.0      n/a
          Inferred, by order: socket wait, application
          From one clock to another: copy and guest wake-up +- 26.0 us, reply to host +-
            26.0 us

        Socket wait, us                               mean       max     share
          runnable, CPU waking from idle             10.14     10.14   100.0 %
          From woken to running, us: p50 10.14  max 10.14  n 1

        Bursts      none: no two requests came within 50 us

        Queue depth tap as it was read: mean 1.0, max 1
                    socket as each came: mean 1.0, max 1

        Joined      1 of 3 requests   2 lacked: application received

        """

    static let nothing = """
        VERDICT  Nothing was seen.

        Joined      0 of 0 requests

        """
}
