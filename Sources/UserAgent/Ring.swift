/// A queue in a circular array that keeps its memory. Elements also have a number that never changes: the first appended
/// is 0.
package struct Ring<Element: BitwiseCopyable & Sendable>: Sendable {
    private var storage: [Element] = []
    private var mask: UInt64
    /// Numbers of the first element and of the next one to come.
    package private(set) var firstNumber: UInt64 = 0
    package private(set) var endNumber: UInt64 = 0

    package init(minimumCapacity: Int) {
        var capacity = 1
        while capacity < minimumCapacity { capacity *= 2 }
        mask = UInt64(capacity - 1)
        storage.reserveCapacity(capacity)
    }

    package var count: Int { Int(endNumber - firstNumber) }
    package var isEmpty: Bool { firstNumber == endNumber }
    package var first: Element? { isEmpty ? nil : storage[place(firstNumber)] }
    package var last: Element? { isEmpty ? nil : storage[place(endNumber - 1)] }

    /// Whether the element of this number is still here.
    package func holds(_ number: UInt64) -> Bool { number >= firstNumber && number < endNumber }

    package subscript(number: UInt64) -> Element {
        get {
            precondition(holds(number), "element \(number) is not in \(firstNumber)..<\(endNumber)")
            return storage[place(number)]
        }
        set {
            precondition(holds(number), "element \(number) is not in \(firstNumber)..<\(endNumber)")
            storage[place(number)] = newValue
        }
    }

    @discardableResult
    package mutating func append(_ element: Element) -> UInt64 {
        if count > Int(mask) { grow() }
        let at = place(endNumber)
        if at == storage.count { storage.append(element) } else { storage[at] = element }
        endNumber += 1
        return endNumber - 1
    }

    package mutating func removeFirst() -> Element {
        precondition(!isEmpty, "removeFirst of an empty ring")
        let element = storage[place(firstNumber)]
        firstNumber += 1
        return element
    }

    private func place(_ number: UInt64) -> Int { Int(number & mask) }

    private mutating func grow() {
        let old = storage
        let oldMask = mask
        mask = mask * 2 + 1
        storage = [Element](repeating: old[0], count: Int(mask) + 1)
        for number in firstNumber..<endNumber { storage[place(number)] = old[Int(number & oldMask)] }
    }
}
