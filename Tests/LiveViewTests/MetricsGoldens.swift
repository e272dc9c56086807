enum MetricsGoldens {
    static let usual = #"""
        # HELP sip_calls_offered_total Calls that fell due.
        # TYPE sip_calls_offered_total counter
        sip_calls_offered_total 6000
        # HELP sip_calls_started_total Calls placed.
        # TYPE sip_calls_started_total counter
        sip_calls_started_total 6000
        # HELP sip_calls_total Calls that have ended, by result as in the column outcome of rtt.csv.
        # TYPE sip_calls_total counter
        sip_calls_total{result="486"} 1
        sip_calls_total{result="ok"} 5998
        sip_calls_total{result="timeout"} 1
        # HELP sip_concurrent_calls Calls open now.
        # TYPE sip_concurrent_calls gauge
        sip_concurrent_calls 41
        # HELP sip_offered_rate Calls per second that the schedule asks for now.
        # TYPE sip_offered_rate gauge
        sip_offered_rate 500
        # HELP sip_ser_ratio Session Establishment Ratio (RFC 6076, 4.6), 0 to 1.
        # TYPE sip_ser_ratio gauge
        sip_ser_ratio 0.9996666666666667
        # HELP sip_seer_ratio Session Establishment Effectiveness Ratio (RFC 6076, 4.7), 0 to 1.
        # TYPE sip_seer_ratio gauge
        sip_seer_ratio 0.9998333333333334
        # HELP sip_isa_ratio Ineffective Session Attempts (RFC 6076, 4.8), 0 to 1.
        # TYPE sip_isa_ratio gauge
        sip_isa_ratio 0.00016666666666666666
        # HELP sip_scr_ratio Session Completion Ratio (RFC 6076, 4.9), 0 to 1.
        # TYPE sip_scr_ratio gauge
        sip_scr_ratio 0.9998333333333334
        # HELP sip_responses_total Responses received, by the method of the request and the status, repeats of final ones left out.
        # TYPE sip_responses_total counter
        sip_responses_total{method="BYE",code="200"} 5998
        sip_responses_total{method="INVITE",code="100"} 5998
        sip_responses_total{method="INVITE",code="180"} 5998
        sip_responses_total{method="INVITE",code="200"} 5998
        sip_responses_total{method="INVITE",code="486"} 1
        # HELP sip_retransmissions_total Messages sent again, by the timer of RFC 3261 and 6026 that did it.
        # TYPE sip_retransmissions_total counter
        sip_retransmissions_total{timer="A"} 0
        sip_retransmissions_total{timer="E"} 0
        # HELP sip_acks_repeated_total ACKs sent again for a repeated final response.
        # TYPE sip_acks_repeated_total counter
        sip_acks_repeated_total 1
        # HELP sip_repeats_received_total Requests and final responses that came again.
        # TYPE sip_repeats_received_total counter
        sip_repeats_received_total 1
        # HELP sip_stray_messages_total Messages of no call or transaction of this run.
        # TYPE sip_stray_messages_total counter
        sip_stray_messages_total 2
        # HELP sip_rtt_seconds Response time of calls that ended ok, from the first request sent or due to the last final response, less the pauses.
        # TYPE sip_rtt_seconds histogram
        sip_rtt_seconds_bucket{base="sent",le="0.0001"} 0
        sip_rtt_seconds_bucket{base="sent",le="0.00025"} 0
        sip_rtt_seconds_bucket{base="sent",le="0.0005"} 530
        sip_rtt_seconds_bucket{base="sent",le="0.001"} 3175
        sip_rtt_seconds_bucket{base="sent",le="0.0025"} 5613
        sip_rtt_seconds_bucket{base="sent",le="0.005"} 5998
        sip_rtt_seconds_bucket{base="sent",le="0.01"} 5998
        sip_rtt_seconds_bucket{base="sent",le="0.025"} 5998
        sip_rtt_seconds_bucket{base="sent",le="0.05"} 5998
        sip_rtt_seconds_bucket{base="sent",le="0.1"} 5998
        sip_rtt_seconds_bucket{base="sent",le="0.25"} 5998
        sip_rtt_seconds_bucket{base="sent",le="0.5"} 5998
        sip_rtt_seconds_bucket{base="sent",le="1"} 5998
        sip_rtt_seconds_bucket{base="sent",le="2.5"} 5998
        sip_rtt_seconds_bucket{base="sent",le="5"} 5998
        sip_rtt_seconds_bucket{base="sent",le="10"} 5998
        sip_rtt_seconds_bucket{base="sent",le="32"} 5998
        sip_rtt_seconds_bucket{base="sent",le="+Inf"} 5998
        sip_rtt_seconds_sum{base="sent"} 6.634292
        sip_rtt_seconds_count{base="sent"} 5998
        sip_rtt_seconds_bucket{base="due",le="0.0001"} 0
        sip_rtt_seconds_bucket{base="due",le="0.00025"} 0
        sip_rtt_seconds_bucket{base="due",le="0.0005"} 107
        sip_rtt_seconds_bucket{base="due",le="0.001"} 2752
        sip_rtt_seconds_bucket{base="due",le="0.0025"} 5590
        sip_rtt_seconds_bucket{base="due",le="0.005"} 5998
        sip_rtt_seconds_bucket{base="due",le="0.01"} 5998
        sip_rtt_seconds_bucket{base="due",le="0.025"} 5998
        sip_rtt_seconds_bucket{base="due",le="0.05"} 5998
        sip_rtt_seconds_bucket{base="due",le="0.1"} 5998
        sip_rtt_seconds_bucket{base="due",le="0.25"} 5998
        sip_rtt_seconds_bucket{base="due",le="0.5"} 5998
        sip_rtt_seconds_bucket{base="due",le="1"} 5998
        sip_rtt_seconds_bucket{base="due",le="2.5"} 5998
        sip_rtt_seconds_bucket{base="due",le="5"} 5998
        sip_rtt_seconds_bucket{base="due",le="10"} 5998
        sip_rtt_seconds_bucket{base="due",le="32"} 5998
        sip_rtt_seconds_bucket{base="due",le="+Inf"} 5998
        sip_rtt_seconds_sum{base="due"} 7.114132
        sip_rtt_seconds_count{base="due"} 5998
        # HELP sipmeter_lag_seconds How late calls were placed, of those that have ended.
        # TYPE sipmeter_lag_seconds histogram
        sipmeter_lag_seconds_bucket{le="0.0001"} 6000
        sipmeter_lag_seconds_bucket{le="0.00025"} 6000
        sipmeter_lag_seconds_bucket{le="0.0005"} 6000
        sipmeter_lag_seconds_bucket{le="0.001"} 6000
        sipmeter_lag_seconds_bucket{le="0.0025"} 6000
        sipmeter_lag_seconds_bucket{le="0.005"} 6000
        sipmeter_lag_seconds_bucket{le="0.01"} 6000
        sipmeter_lag_seconds_bucket{le="0.025"} 6000
        sipmeter_lag_seconds_bucket{le="0.05"} 6000
        sipmeter_lag_seconds_bucket{le="0.1"} 6000
        sipmeter_lag_seconds_bucket{le="0.25"} 6000
        sipmeter_lag_seconds_bucket{le="0.5"} 6000
        sipmeter_lag_seconds_bucket{le="1"} 6000
        sipmeter_lag_seconds_bucket{le="2.5"} 6000
        sipmeter_lag_seconds_bucket{le="5"} 6000
        sipmeter_lag_seconds_bucket{le="10"} 6000
        sipmeter_lag_seconds_bucket{le="32"} 6000
        sipmeter_lag_seconds_bucket{le="+Inf"} 6000
        sipmeter_lag_seconds_sum 0.48
        sipmeter_lag_seconds_count 6000
        # HELP sipmeter_datagrams_sent_total Datagrams or messages sent.
        # TYPE sipmeter_datagrams_sent_total counter
        sipmeter_datagrams_sent_total 18000
        # HELP sipmeter_datagrams_received_total Datagrams or messages received.
        # TYPE sipmeter_datagrams_received_total counter
        sipmeter_datagrams_received_total 0
        # HELP sipmeter_rx_drops_total Datagrams the kernel dropped because the receive queue was full.
        # TYPE sipmeter_rx_drops_total counter
        sipmeter_rx_drops_total 0
        # HELP sipmeter_send_queue_full_total Sends refused because the send queue was full, and made later.
        # TYPE sipmeter_send_queue_full_total counter
        sipmeter_send_queue_full_total 0
        # HELP sipmeter_send_errors_total Sends that failed otherwise.
        # TYPE sipmeter_send_errors_total counter
        sipmeter_send_errors_total 0
        # HELP sipmeter_sending_cpu_seconds_total CPU time of the sending threads.
        # TYPE sipmeter_sending_cpu_seconds_total counter
        sipmeter_sending_cpu_seconds_total 3.72
        # HELP sipmeter_verdict 1 for the verdict on the generator so far.
        # TYPE sipmeter_verdict gauge
        sipmeter_verdict{level="VALID"} 1
        sipmeter_verdict{level="SUSPECT"} 0
        sipmeter_verdict{level="INVALID"} 0
        # HELP sipmeter_run_ended 1 when the run is over and its figures are final.
        # TYPE sipmeter_run_ended gauge
        sipmeter_run_ended 0
        # HELP sipmeter_run_info What is run; always 1.
        # TYPE sipmeter_run_info gauge
        sipmeter_run_info{command="run",target="192.0.2.5:5060",transport="udp",scenario="uac"} 1
        # HELP sipmeter_build_info The program; always 1.
        # TYPE sipmeter_build_info gauge
        sipmeter_build_info{version="1.2.3"} 1

        """#
}
