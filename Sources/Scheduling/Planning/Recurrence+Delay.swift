extension Recurrence {
    /// Whether the next occurrence follows from the end of the one before, and not from the time
    /// alone.
    public var isDelay: Bool { delaySeconds != nil }

    /// The recurrence as what is skipped of it goes on from one of its instants: what is skipped
    /// has ended at once, so a delay is a rate.
    public func asSkipped(from first: Instant) -> Recurrence {
        withDelays { .every(seconds: $0, anchor: first) }
    }
}
