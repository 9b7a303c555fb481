internal import Scheduling

extension ScheduleKey {
    /// The keys inside those that say when runs may start beside others.
    static let ofDispatch: [ScheduleKey] = [
        ScheduleKey(
            "policy", [.catchUp], .choices(CatchUp.Policy.self),
            "which of the missed occurrences run: latest, all or none"),
        ScheduleKey("window", [.catchUp], .duration, "how far back 'all' goes: 1d"),
        ScheduleKey(
            "max", [.catchUp], .integer(1...CatchUp.greatestMax),
            "how many 'all' runs at the most, the newest"),
        ScheduleKey(
            "slots", [.pool], .integer(1...PoolUse.mostSlots),
            "how many runs of the pool go on at once, on all nodes together"),
        ScheduleKey("name", [.lock], .text, "the name of the lock"),
        ScheduleKey(
            "mode", [.lock], .choices(LockUse.Mode.self),
            "whether others may hold it too: exclusive or shared"),
        ScheduleKey("wait", [.lock], .pause, "how long a run waits for it before it fails"),
        ScheduleKey("job", [.need], .text, "the job that is to have ended"),
        ScheduleKey(
            "when", [.need], .choices(Need.Condition.self),
            "what of its end counts: success or always"),
        ScheduleKey(
            "within", [.need], .duration, "how long after its instant an occurrence waits for it"),
    ]
}
