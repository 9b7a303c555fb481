import Almanac

/// The program `almanac`: the built-in tasks and no others.
@main struct AlmanacProgram: AlmanacApplication {
    static let tasks: [any BatchTask.Type] = []
}
