import Scheduling

/// When the watermark is written: when it has moved, and at most once at a time and once a second.
struct WatermarkBook {
    private var written: Instant?
    private var isBusy = false
    /// Whether what is being written is of before.
    private var isOutdated = false

    /// Whether an instant is worth writing.
    func isAhead(_ instant: Instant) -> Bool { written.map { instant > $0 } ?? true }

    /// Whether to write this instant now; if so, it is being written.
    mutating func begins(_ instant: Instant) -> Bool {
        guard !isBusy, isAhead(instant) else { return false }
        isBusy = true
        return true
    }

    /// It was written; the next may be once the pause is over.
    mutating func wrote(_ instant: Instant) {
        if !isOutdated { written = instant }
        isOutdated = false
    }

    /// Another schedule is in force, which may have taken the watermark back.
    mutating func forget() {
        written = nil
        isOutdated = isBusy
    }

    /// The pause is over.
    mutating func rested() { isBusy = false }
}
