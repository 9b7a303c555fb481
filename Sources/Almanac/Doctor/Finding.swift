/// One line of the doctor's report.
struct Finding: Encodable, Sendable, Equatable {
    /// How bad it is.
    enum Level: String, Encodable, Sendable, CaseIterable {
        /// As it should be.
        case ok
        /// Works, and is better changed.
        case warning
        /// Something that is promised does not hold, or runs cannot start.
        case problem
    }

    let topic: String
    let level: Level
    /// What was found, in one sentence.
    let text: String
    /// What to do about it; nil where there is nothing to do.
    let remedy: String?

    static func ok(_ topic: String, _ text: String) -> Finding {
        Finding(topic: topic, level: .ok, text: text, remedy: nil)
    }

    static func warning(_ topic: String, _ text: String, remedy: String) -> Finding {
        Finding(topic: topic, level: .warning, text: text, remedy: remedy)
    }

    static func problem(_ topic: String, _ text: String, remedy: String) -> Finding {
        Finding(topic: topic, level: .problem, text: text, remedy: remedy)
    }
}
