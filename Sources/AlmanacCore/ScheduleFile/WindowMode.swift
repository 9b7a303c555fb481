import Foundation
import Scheduling

/// Which data a run is for.
public enum WindowMode: String, Sendable, Hashable, Codable, CaseIterable {
    /// From where the window of the job's last success ended to the run's nominal instant.
    case contiguous
    /// From the nominal instant before to that of the run.
    case calendar

    /// What to do for a job that needs a window and has none.
    package static let help =
        "add 'window: calendar' (from the nominal instant before to this one) or "
        + "'window: contiguous' (from where the last success ended) to the job"
}

extension JobReader {
    /// A job's `window`, where it fits the job's other keys.
    func readWindow(_ job: MappingReader, recurrence: Recurrence?) -> WindowMode? {
        guard let window = job.read("window", choices: WindowMode.self),
            let node = job.value("window")
        else { return nil }
        if window == .contiguous, job.value("concurrencyPolicy")?.scalar?.text == "Allow" {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'window: contiguous' does not fit 'concurrencyPolicy: Allow': two "
                        + "runs at once would have the same window",
                    help: "write 'window: calendar', or another policy"))
        }
        if window == .calendar, recurrence?.isDelay ?? false {
            collector.add(
                Diagnostic(
                    category: .value, at: node,
                    message: "'window: calendar' does not fit 'after', which has no instants "
                        + "of its own",
                    help: "write 'window: contiguous'"))
        }
        return window
    }
}

extension JobDefinition {
    /// Where a window that ends at an instant begins by the calendar.
    func windowStart(before end: Date) -> Date {
        // Whole seconds: one that has begun belongs to the instant at its start.
        let instant = Instant(secondsSinceEpoch: Int64(end.timeIntervalSince1970.rounded(.up)))
        return min(end, recurrence.spanStart(before: instant).date)
    }
}
