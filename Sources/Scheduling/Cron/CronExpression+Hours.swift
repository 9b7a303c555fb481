extension CronExpression {
    /// Whether it runs in each hour of the days on which it runs.
    public var hasEveryHour: Bool { hours.nonzeroBitCount == 24 }
}
