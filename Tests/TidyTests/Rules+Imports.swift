extension Rules {
    /// Which modules of the house each may know. Arrows point one way.
    static let arrows: [String: Set<String>] = [
        "Scheduling": [],
        "PostgresSession": ["CLibPQ"],
        "PostgresServer": [],
        "AlmanacCore": ["Scheduling", "PostgresSession", "CLibYAML", "CTimer"],
        "AlmanacTasks": ["AlmanacCore", "PostgresSession"],
        "Almanac": [
            "AlmanacCore", "AlmanacTasks", "PostgresSession", "PostgresServer", "Scheduling",
        ],
        "AlmanacCLI": ["Almanac"],
        "AlmanacTesting": ["AlmanacCore", "PostgresSession", "PostgresServer", "Scheduling"],
    ]

    /// C is spoken in one room each.
    static let rooms = [
        "CLibPQ": "Sources/PostgresSession/LibPQ/", "CLibYAML": "Sources/AlmanacCore/YAML/",
    ]

    static func importArrows(_ file: SourceFile) -> [Offence] {
        guard file.isSource, let allowed = arrows[file.module] else { return [] }
        let house = Set(arrows.keys).union(["CLibPQ", "CLibYAML", "CTimer"])
        return imports(file).filter { house.contains($0.name) && !allowed.contains($0.name) }.map {
            file.offence(at: $0.position, "\(file.module) must know nothing of \($0.name)")
        }
    }

    static func importRooms(_ file: SourceFile) -> [Offence] {
        imports(file).compactMap { name, position in
            guard let room = rooms[name], !file.path.hasPrefix(room) else { return nil }
            return file.offence(at: position, "\(name) is imported in \(room) only")
        }
    }

    private static func imports(_ file: SourceFile) -> [(name: String, position: Int)] {
        file.text.positions(of: "import").map { position in
            (file.text.code.word(at: position + "import".utf8.count), position)
        }
    }
}
