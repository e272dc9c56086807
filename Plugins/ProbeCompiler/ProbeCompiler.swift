import Foundation
import PackagePlugin

/// Compiles the probes (`Probes/probes.bpf.c`) with the toolchain's own clang, and writes the object into a Swift file: the
/// program then needs no file beside it at run time, and its users no compiler.
@main struct ProbeCompiler: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let folder = target.directoryURL.appending(path: "Probes")
        let records = target.directoryURL.deletingLastPathComponent().appending(path: "CBPF/include")
        let sources = ["probes.bpf.c", "kernel_types.h"].map { folder.appending(path: $0) }
        let headers = ["trace_record.h", "probe_config.h"].map { records.appending(path: $0) }
        let script = folder.appending(path: "compile")
        let output = context.pluginWorkDirectoryURL.appending(path: "ProbeObject.swift")
        let clang = try context.tool(named: "clang").url
        return [
            .buildCommand(
                displayName: "Compiling the kernel probes", executable: URL(filePath: "/bin/sh"),
                arguments: [
                    script.path, clang.path, Self.processor, sources[0].path, records.path, output.path,
                ],
                inputFiles: sources + headers + [script], outputFiles: [output])
        ]
    }

    /// As libbpf's headers name the processor.
    private static var processor: String {
        #if arch(arm64)
            "arm64"
        #else
            "x86"
        #endif
    }
}
