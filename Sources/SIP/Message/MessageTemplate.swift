import Datagrams

/// INTERFACE SKETCH, to be completed: a message compiled once into literal bytes and slots.
package struct MessageTemplate: Sendable {
    package init() {}
}
