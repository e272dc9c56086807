/// The scenario files of this folder, carried inside the binary.
package enum StandardScenarios {
    package static var uac: [UInt8] { PackageResources.uac_xml }
    package static var uas: [UInt8] { PackageResources.uas_xml }
    /// Those of `sipmeter sipp`.
    package static var sippUac: [UInt8] { PackageResources.sippUac_xml }
    package static var sippUas: [UInt8] { PackageResources.sippUas_xml }
}
