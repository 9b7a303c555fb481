/// A binary heap: the least element at hand, the others in no particular order.
struct MinHeap<Element: Comparable & Sendable>: Sendable {
    private var elements: [Element] = []

    init() {}

    /// A heap of the elements, in linear time.
    init(_ elements: [Element]) {
        self.elements = elements
        for index in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    var min: Element? { elements.first }

    var count: Int { elements.count }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard elements[child] < elements[parent] else { return }
            elements.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeMin() -> Element? {
        guard let first = elements.first, let last = elements.popLast() else { return nil }
        if !elements.isEmpty {
            elements[0] = last
            sink(0)
        }
        return first
    }

    /// Replaces the least element.
    mutating func replaceMin(with element: Element) {
        guard !elements.isEmpty else { return insert(element) }
        elements[0] = element
        sink(0)
    }

    /// Removes all elements of a kind, in linear time.
    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        self = MinHeap(elements.filter { !isUnwanted($0) })
    }

    private mutating func sink(_ index: Int) {
        var parent = index
        while true {
            var child = 2 * parent + 1
            guard child < elements.count else { return }
            if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
            guard elements[child] < elements[parent] else { return }
            elements.swapAt(child, parent)
            parent = child
        }
    }
}
