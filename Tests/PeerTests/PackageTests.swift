import Foundation
import Testing

extension AgainstPeers {
    /// The Debian package, packed from the program under test, put on this machine and taken off again.
    @Suite(.serialized) struct Package {
        private static let pack = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Packaging/deb/pack").path

        private static let unprivileged = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]

        @Test(.needs(.debianPackages)) func itGivesAnybodyThePrivilegesAndLeavesNothingBehind() async throws {
            let scratch = try Scratch()
            let packed = try await scratch.run(
                Command(Self.pack, Command.sipmeterPath, scratch.path), within: .seconds(400))
            let package = try #require(packed.output.split(separator: "\n").last.map(String.init), "\(packed)")
            #expect(packed.status == 0 && package.hasSuffix(".deb"), "\(packed)")
            let about = try await scratch.run(Command("dpkg-deb", "--info", package)).output
            #expect(
                about.contains("Package: sipmeter") && about.contains("libpcap0.8") && about.contains("libbpf1"),
                "\(about)")
            let contents = try await scratch.run(Command("dpkg-deb", "--contents", package)).output
            for file in [
                "-rwxr-xr-x root/root", "./usr/bin/sipmeter", "./usr/share/man/man1/sipmeter-run.1.gz",
                "./usr/share/bash-completion/completions/sipmeter", "./usr/share/zsh/vendor-completions/_sipmeter",
                "./usr/share/fish/vendor_completions.d/sipmeter.fish", "./usr/share/doc/sipmeter/copyright",
                "./usr/share/doc/sipmeter/examples/uac.xml",
            ] { #expect(contents.contains(file), "\(file) is not in\n\(contents)") }

            do {
                let installed = try await scratch.run(Command("dpkg", "--install", package), within: .seconds(60))
                #expect(installed.status == 0, "\(installed)")
                try await Self.useAsNobody(scratch)
            } catch { Issue.record(error) }
            let purged = try await scratch.run(Command("dpkg", "--purge", "sipmeter"), within: .seconds(60))
            #expect(purged.status == 0, "\(purged)")
            for path in ["/usr/bin/sipmeter", "/usr/share/doc/sipmeter", "/usr/share/man/man1/sipmeter.1.gz"] {
                #expect(!FileManager.default.fileExists(atPath: path), "\(path) is still there")
            }
        }

        private static func useAsNobody(_ scratch: Scratch) async throws {
            let requirements = Requirement.probes.isMet ? "tag,raw,probes" : "tag,raw"
            let doctor = try await scratch.run(
                Command("/usr/bin/sipmeter", "doctor", "--require", requirements).run(by: unprivileged))
            #expect(doctor.status == 0, "\(doctor)")
            let directory = scratch.path("nobody")
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o777])
            let run = try await scratch.run(
                Command(
                    "/usr/bin/sipmeter", "run", "--capacity", "unlimited", "--rate", "20", "--duration", "1s", "--out",
                    directory + "/run"
                ).run(by: unprivileged))
            #expect(run.status == 0 || run.status == 3, "\(run)")
            #expect(run.output.contains("call tag on"), "\(run)")
            let manual = try await scratch.run(
                Command("sh", "-c", "man sipmeter-run | col -bx").run(by: ["env", "LC_ALL=C.UTF-8"]))
            #expect(manual.output.contains("sipmeter run [options] [target]"), "\(manual)")
        }
    }
}
