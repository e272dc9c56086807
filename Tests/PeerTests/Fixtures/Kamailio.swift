import Foundation
import Glibc

/// Kamailio in the two parts these tests give it.
enum Kamailio {
    /// Where the distribution keeps its modules.
    static let modules: String? = {
        let roots = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"]
        let subfolders = roots.flatMap { root in
            [root]
                + ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted().map { root + "/" + $0 }
        }
        return subfolders.map { $0 + "/kamailio/modules" }.first { access($0 + "/sl.so", R_OK) == 0 }
    }()

    /// Starts it with `configuration` and waits until it listens.
    static func during<R: Sendable>(
        _ configuration: String, address: String = "127.0.0.1", port: UInt16, over transport: String = "udp",
        by prefix: [String] = [], in scratch: Scratch, _ body: (Running) async throws -> R
    ) async throws -> R {
        let file = try scratch.write(configuration, to: "kamailio-\(port).cfg")
        let command = Command(
            "kamailio", "-f", file, "-l", "\(transport):\(address):\(port)", "-DD", "-E", "-m", "64", "-M", "8", "-w",
            scratch.path,
            "-Y", scratch.path, "-P", scratch.path("kamailio-\(port).pid"))
        return try await scratch.during(command.run(by: prefix)) { running in
            if transport == "udp" {
                try await running.waitForPort(port)
            } else {
                try await running.waitForListener(port)
            }
            return try await body(running)
        }
    }

    private static func head(_ names: [String], workers: Int, takesTCP: Bool = false) -> String {
        """
        #!KAMAILIO
        debug=0
        log_stderror=yes
        children=\(workers)
        disable_tcp=\(takesTCP ? "no" : "yes")
        tcp_children=2
        tcp_connection_lifetime=60
        enable_tls=\(names.contains("tls") ? "yes" : "no")
        auto_aliases=no
        server_signature=no
        maxbuffer=4194304
        mpath="\(modules ?? "")/"

        """ + names.map { "loadmodule \"\($0).so\"\n" }.joined()
    }

    /// Answers every call at once and remembers none: 100, 180, 200 with an SDP body; 200 to the BYE.
    static var statelessUAS: String { head(answering, workers: 2) + answers }

    /// The same over TCP.
    static var streamUAS: String { head(answering, workers: 2, takesTCP: true) + answers }

    /// The same over TLS, with this certificate and key.
    static func secureUAS(certificate: String, key: String) -> String {
        head(answering + ["tls"], workers: 2, takesTCP: true)
            + """
            modparam("tls", "certificate", "\(certificate)")
            modparam("tls", "private_key", "\(key)")
            modparam("tls", "tls_method", "TLSv1.2+")

            """ + answers
    }

    private static let answering = ["sl", "pv", "textops", "siputils"]

    private static var answers: String {
        #"""
        request_route {
            switch ($rm) {
            case "ACK":
                exit;
            case "INVITE":
                sl_send_reply("100", "Trying");
                append_to_reply("Contact: <sip:answer@$Ri:$Rp>\r\n");
                sl_send_reply("180", "Ringing");
                set_reply_body("v=0\r\no=- 7 7 IN IP4 $Ri\r\ns=-\r\nc=IN IP4 $Ri\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n", "application/sdp");
                sl_send_reply("200", "OK");
                exit;
            case "BYE":
                sl_send_reply("200", "OK");
                exit;
            default:
                sl_send_reply("501", "Not Implemented");
            }
        }

        """#
    }

    /// One worker that computes for about 10 us a loop over each INVITE before it answers, and takes nothing else meanwhile.
    static func busyUAS(loops: Int) -> String {
        head(["sl", "pv", "textops", "siputils", "cfgutils"], workers: 1) + #"""
            max_while_loops=1000000
            request_route {
                if (is_method("ACK")) exit;
                if (is_method("INVITE")) {
                    $var(i) = 0;
                    while ($var(i) < \#(loops)) {
                        $var(i) = $var(i) + 1;
                    }
                    append_to_reply("Contact: <sip:answer@$Ri:$Rp>\r\n");
                }
                sl_send_reply("200", "OK");
            }

            """#
    }

    /// Asks every REGISTER for a password, whoever it is from, and answers 200 to the one that knows it.
    static func registrar(realm: String, password: String, algorithm: String) -> String {
        head(["sl", "pv", "auth", "siputils"], workers: 1) + #"""
            modparam("auth", "algorithm", "\#(algorithm)")
            request_route {
                if ($fU == "proxied") {
                    if (!pv_proxy_authenticate("\#(realm)", "\#(password)", "0")) {
                        proxy_challenge("\#(realm)", "1");
                        exit;
                    }
                } else if (!pv_www_authenticate("\#(realm)", "\#(password)", "0")) {
                    www_challenge("\#(realm)", "1");
                    exit;
                }
                sl_send_reply("200", "OK");
            }

            """#
    }

    /// Answers calls of whoever knows the password; the others are asked for it (407).
    static func authenticatingUAS(realm: String, password: String, algorithm: String) -> String {
        head(answering + ["auth"], workers: 1) + #"""
            modparam("auth", "algorithm", "\#(algorithm)")
            request_route {
                if (is_method("ACK")) exit;
                if (is_method("INVITE")) {
                    if (!pv_proxy_authenticate("\#(realm)", "\#(password)", "0")) {
                        proxy_challenge("\#(realm)", "1");
                        exit;
                    }
                    append_to_reply("Contact: <sip:answer@$Ri:$Rp>\r\n");
                }
                sl_send_reply("200", "OK");
            }

            """#
    }

    /// A proxy that stays in the path: transactions of its own, Record-Route in the INVITE, and inside a dialog it follows
    /// the Route it is given (RFC 3261, 16.12) and nothing else, so that an ACK or BYE without its Route gets nowhere.
    static func statefulProxy(to server: UInt16) -> String {
        head(["sl", "tm", "rr", "pv", "siputils", "maxfwd", "textops"], workers: 2) + #"""
            request_route {
                if (!mf_process_maxfwd_header("10")) {
                    sl_send_reply("483", "Too Many Hops");
                    exit;
                }
                if (has_totag()) {
                    if (!loose_route()) {
                        if (!is_method("ACK")) sl_send_reply("481", "No Route For This Dialog");
                        exit;
                    }
                } else if (is_method("INVITE")) {
                    if (!t_newtran()) exit;
                    t_reply("100", "Trying");
                    record_route();
                    $du = "sip:127.0.0.1:\#(server)";
                } else if (is_method("CANCEL")) {
                    if (!t_check_trans()) exit;
                } else {
                    if (!is_method("ACK")) sl_send_reply("405", "Method Not Allowed");
                    exit;
                }
                if (!t_relay()) sl_reply_error();
            }

            """#
    }
}
