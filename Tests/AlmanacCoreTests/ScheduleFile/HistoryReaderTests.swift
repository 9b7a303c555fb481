import Testing

@testable import AlmanacCore

@Suite("How long rows are kept")
struct HistoryReaderTests {
    private static func text(_ policy: HistoryPolicy) -> String {
        let limits = [policy.successLimit, policy.failureLimit].map { $0.map(String.init) ?? "-" }
        return "\(policy.keepSeconds) \(limits.joined(separator: " "))"
    }

    @Test(
        "what a job does not say is as in the defaults, and else 90 days",
        arguments: [
            ("", "{}", "7776000 - -"),
            ("", "{keep: 30d}", "2592000 - -"),
            ("{keep: 1d, failedJobsHistoryLimit: 7}", "{}", "86400 - 7"),
            ("{keep: 1d, failedJobsHistoryLimit: 7}", "{keep: 2h}", "7200 - 7"),
            (
                "{successfulJobsHistoryLimit: 3}",
                "{successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 1}", "7776000 0 1"
            ),
        ])
    func values(defaults: String, own: String, expected: String) throws {
        let more = defaults.isEmpty ? "" : ", history: \(defaults)"
        let job = try job(
            "task: cleanup, every: 1h, history: \(own)",
            defaults: "{activeDeadlineSeconds: 60\(more)}")
        #expect(Self.text(job.history) == expected)
    }

    @Test(
        "a stored definition says what is not as usual",
        arguments: [
            ("{}", false), ("{keep: 90d}", false), ("{keep: 89d}", true),
            ("{failedJobsHistoryLimit: 0}", true),
        ])
    func canonical(history: String, isSaid: Bool) throws {
        let plain = try job("task: cleanup, every: 1h")
        let kept = try job("task: cleanup, every: 1h, history: \(history)")
        #expect(kept.canonicalText.contains("\"history\"") == isSaid)
        #expect((kept.canonicalText != plain.canonicalText) == isSaid)
        #expect(kept.scheduleDigest == plain.scheduleDigest)
    }

    @Test(
        "what makes no sense is refused",
        arguments: [
            ("{keep: 90}", "has no unit"), ("{keep: soon}", "is not a duration"),
            ("{failedJobsHistoryLimit: -1}", "must be 0 or more, not -1"),
            ("{successfulJobsHistoryLimit: many}", "successfulJobsHistoryLimit"),
            ("{limit: 3}", "unknown key 'limit'"), ("30d", "'history' must be a mapping"),
        ])
    func refused(history: String, message: String) throws {
        let error = #expect(throws: DiagnosticsError.self) {
            try job("task: cleanup, every: 1h, history: \(history)")
        }
        let found = error?.diagnostics.map(\.message) ?? []
        #expect(found.contains { $0.contains(message) }, "\(found)")
    }
}
