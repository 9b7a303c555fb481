/// Reads what a job expects of its times: `mustFinishBy` and `warnAfter`.
struct PunctualityReader {
    let job: MappingReader

    /// - Parameter deadlineSeconds: how long an attempt may take; nil for no limit.
    func read(deadlineSeconds: Int?) -> Punctuality {
        Punctuality(
            mustFinishBy: readFinishBy(), warnAfter: readWarnAfter(deadlineSeconds))
    }

    private func readFinishBy() -> Punctuality.FinishBy? {
        if job.has("after"), let key = job.key("mustFinishBy") {
            job.report(
                YAMLValueError(
                    message: "'mustFinishBy' does not fit 'after', which has no instants of its "
                        + "own: nobody knows beforehand when a run is due",
                    help: "write 'warnAfter' for a run that takes too long"), at: key)
            return nil
        }
        return value("mustFinishBy") { text throws(YAMLValueError) in
            if TimeOfDayText.isLike(text) {
                return .timeOfDay(seconds: try TimeOfDayText.seconds(text))
            }
            return .after(
                seconds: try duration(
                    text, of: "mustFinishBy", otherwise: "a time of day such as 06:00"))
        }
    }

    private func readWarnAfter(_ deadlineSeconds: Int?) -> Punctuality.WarnAfter? {
        value("warnAfter") { text throws(YAMLValueError) in
            if text == Punctuality.WarnAfter.percentile { return .p95 }
            let seconds = try duration(text, of: "warnAfter", otherwise: "p95")
            if let deadlineSeconds, seconds >= deadlineSeconds {
                throw YAMLValueError(
                    message: "'warnAfter' never comes: a run is stopped after "
                        + "\(deadlineSeconds) s, its 'activeDeadlineSeconds'",
                    help: "write a shorter one, or a longer 'activeDeadlineSeconds'")
            }
            return .seconds(seconds)
        }
    }

    /// A value that is a text; reported and `nil` where it does not fit.
    private func value<Value>(
        _ key: String, _ read: (String) throws(YAMLValueError) -> Value
    ) -> Value? {
        guard let node = job.value(key), let text = job.read(key, as: String.self) else {
            return nil
        }
        do throws(YAMLValueError) {
            return try read(text)
        } catch {
            job.report(error, at: node)
            return nil
        }
    }

    private func duration(
        _ text: String, of key: String, otherwise other: String
    ) throws(YAMLValueError) -> Int64 {
        guard text.first?.isNumber ?? false else {
            throw YAMLValueError(
                message: "'\(key)' cannot be '\(text.shortened(to: 40))'",
                help: "write \(other), or a duration such as 30m")
        }
        let seconds = try DurationText.seconds(text)
        guard seconds >= 1 else {
            throw YAMLValueError(
                message: "'\(key)' must be at least 1 second, not '\(text)'",
                help: "leave the key out for none")
        }
        return seconds
    }
}
