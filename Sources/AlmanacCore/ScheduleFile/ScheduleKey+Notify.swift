extension ScheduleKey {
    /// The keys of `notify`.
    static let ofNotify: [ScheduleKey] = [
        event(.failure, "when its last attempt has failed"),
        event(
            .missed,
            "when an occurrence did not run that should have, or when 'mustFinishBy' has passed"),
        event(.slow, "when 'warnAfter' has passed and a run still goes on"),
        event(.recovered, "when it succeeds for the first time after a failure or a miss"),
        event(.success, "whenever it succeeds"),
    ]

    private static func event(_ event: NotifyPolicy.Event, _ when: String) -> ScheduleKey {
        ScheduleKey(
            event.key, [.notify], .either([.text, .names]),
            "the channel or channels that are told \(when)")
    }
}
