/// The scenario files of this folder, carried inside the binary.
package enum StandardScenarios {
    package static var uac: [UInt8] { PackageResources.uac_xml }
    package static var uas: [UInt8] { PackageResources.uas_xml }
    package static var register: [UInt8] { PackageResources.register_xml }
    package static var registerAuth: [UInt8] { PackageResources.register_auth_xml }
    package static var options: [UInt8] { PackageResources.options_xml }
    package static var message: [UInt8] { PackageResources.message_xml }
    package static var inviteAuth: [UInt8] { PackageResources.invite_auth_xml }
    package static var cancel: [UInt8] { PackageResources.cancel_xml }
    package static var reinvite: [UInt8] { PackageResources.reinvite_xml }
    package static var redirect: [UInt8] { PackageResources.redirect_xml }
    package static var busy: [UInt8] { PackageResources.busy_xml }
    package static var uasEarly: [UInt8] { PackageResources.uas_early_xml }
    package static var bLeg: [UInt8] { PackageResources.b_leg_xml }
    /// Those of `sipmeter sipp`.
    package static var sippUac: [UInt8] { PackageResources.sippUac_xml }
    package static var sippUas: [UInt8] { PackageResources.sippUas_xml }
}
