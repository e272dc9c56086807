// floor: the least a SIP-over-UDP call loop can cost, to compare a load generator with.
//
// INVITE, ACK and BYE are templates compiled before the run and patched in place, datagrams travel through
// sendmmsg and recvmmsg, a call is a record of 24 bytes. It keeps no rows, has no retransmissions and no scenario: a
// call that is not answered is lost, and counted. With --answer it is the other end: 180 and 200 to an INVITE, 200 to
// a BYE, nothing to an ACK, and no state at all.
//
//   floor --target PORT --calls N --open K                      flat out: K calls open, whatever the rate
//   floor --target PORT --calls N --rate R [--wait POLICY]      paced: the nth call is due at start + n / R
//       --wait datagram      a wake-up for every datagram and every call (the default)
//       --wait call          a wake-up for every call; what has arrived meanwhile is read then
//       --wait coalesce:US   a wake-up every US microseconds; what fell due meanwhile is sent then
//   floor --answer PORT [--arrivals] [--rate R]                 until SIGTERM
//       --arrivals           kernel receive times of the INVITEs: gaps, and lateness against R
//   with --target: --option   40 bytes of IP option with every datagram; --rtt   INVITE to 200, percentiles
//
// One line of JSON on standard output.
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

int main(int count, char **arguments) {
    struct pacing pacing = {.calls = 100000, .open = 0, .rate = 0, .watches = true, .window = 0};
    uint16_t target = 0, port = 0;
    bool has_option = false, keeps_arrivals = false, keeps_times = false;
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : "";
        if (!strcmp(name, "--option")) { has_option = true; continue; }
        if (!strcmp(name, "--arrivals")) { keeps_arrivals = true; continue; }
        if (!strcmp(name, "--rtt")) { keeps_times = true; continue; }
        i++;
        if (!strcmp(name, "--target")) target = (uint16_t)atoi(value);
        else if (!strcmp(name, "--answer")) port = (uint16_t)atoi(value);
        else if (!strcmp(name, "--calls")) pacing.calls = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--open")) pacing.open = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--rate")) pacing.rate = atof(value);
        else if (!strcmp(name, "--wait")) {
            pacing.watches = !strcmp(value, "datagram");
            pacing.window = strncmp(value, "coalesce:", 9) ? 0 : atoll(value + 9) * 1000;
        } else { fprintf(stderr, "floor: %s is no option; they stand at the head of its source\n", name); return 64; }
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (port) return run_answers(port, keeps_arrivals, pacing.rate);
    if (!target || (pacing.rate > 0) == (pacing.open > 0)) {
        fprintf(stderr, "floor: --target PORT with --rate or --open, or --answer PORT\n");
        return 64;
    }
    return run_calls(target, &pacing, has_option, keeps_times);
}
