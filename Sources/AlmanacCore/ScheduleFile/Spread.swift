/// Whether a job's starts are spread over the time after its nominal instants.
enum Spread: String, CaseIterable {
    /// By an offset that follows from the job's name.
    case hash
    case none
}
