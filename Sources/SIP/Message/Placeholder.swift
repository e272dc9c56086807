import Datagrams

/// The request methods sipmeter knows by name; every other one is `.other` and kept as text.
package typealias Method = CallTag.Method
