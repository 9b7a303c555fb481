/// What a run waits for, for people.
enum ObstacleText {
    /// - Parameter obstacle: as `runs.waits_for` and the log have it.
    static func words(_ obstacle: String) -> String {
        switch obstacle {
        case "turn": "its turn"
        case "resume": "its job to be resumed"
        case "decision": "a decision"
        case _ where obstacle.hasPrefix("pool "): "a slot of the \(obstacle)"
        case _ where obstacle.hasPrefix("needs: "): "\(obstacle.dropFirst(7)) to end"
        default: obstacle
        }
    }
}
