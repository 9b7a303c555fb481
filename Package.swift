// swift-tools-version: 6.2
import PackageDescription

let strictness: [SwiftSetting] =
    Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

/// One list of settings for every target of the house.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ] + strictness

let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let unixSignals: Target.Dependency = .product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let systemPackage: Target.Dependency = .product(
    name: "SystemPackage", package: "swift-system")
let httpClient: Target.Dependency = .product(
    name: "AsyncHTTPClient", package: "async-http-client")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "almanac",
    products: [
        .executable(name: "almanac", targets: ["AlmanacCLI"]),
        .library(name: "Almanac", targets: ["Almanac"]),
        .library(name: "PostgresSession", targets: ["PostgresSession"]),
        .library(name: "AlmanacTesting", targets: ["AlmanacTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // C
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CTimer"),

        // Leaves: they know nothing of each other, nor of what is above them.
        .target(name: "Scheduling", swiftSettings: settings),
        .target(name: "PostgresSession", dependencies: ["CLibPQ"], swiftSettings: settings),
        .target(name: "PostgresServer", swiftSettings: settings),

        // The house.
        .target(
            name: "AlmanacCore",
            dependencies: [
                "Scheduling", "PostgresSession", "CLibYAML", "CTimer", logging, heap,
            ],
            swiftSettings: settings),
        .target(
            name: "AlmanacTasks",
            dependencies: [
                "AlmanacCore", "PostgresSession", httpClient, nioCore, nioHTTP1, subprocess,
                systemPackage,
            ],
            swiftSettings: settings),
        .target(
            name: "Almanac",
            dependencies: [
                "AlmanacCore", "AlmanacTasks", "PostgresSession", "PostgresServer", "Scheduling",
                argumentParser, logging, unixSignals,
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "AlmanacCLI", dependencies: ["Almanac"], swiftSettings: settings),
        .executableTarget(
            name: "AlmanacBench",
            dependencies: [
                "Almanac", "AlmanacCore", "AlmanacTesting", "PostgresServer", "PostgresSession",
                "Scheduling", argumentParser, logging, subprocess, systemPackage,
            ],
            swiftSettings: settings),
        .target(
            name: "AlmanacTesting",
            dependencies: [
                "AlmanacCore", "PostgresSession", "PostgresServer", "Scheduling", logging,
            ],
            swiftSettings: settings),

        // Tests: one folder per module, and three that look at the whole.
        .testTarget(
            name: "SchedulingTests", dependencies: ["Scheduling"],
            resources: [.copy("cron-cases.jsonl")], swiftSettings: settings),
        .testTarget(
            name: "PostgresServerTests", dependencies: ["PostgresServer"], swiftSettings: settings),
        .testTarget(
            name: "PostgresSessionTests", dependencies: ["PostgresSession", "AlmanacTesting"],
            swiftSettings: settings),
        .testTarget(
            name: "AlmanacCoreTests",
            dependencies: ["AlmanacCore", "AlmanacTesting", "PostgresSession", "Scheduling"],
            exclude: ["ScheduleFile/Broken"], swiftSettings: settings),
        .testTarget(
            name: "AlmanacTasksTests",
            dependencies: [
                "AlmanacCore", "AlmanacTasks", "AlmanacTesting", "PostgresSession", systemPackage,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "AlmanacTests",
            dependencies: [
                "Almanac", "AlmanacCore", "AlmanacTasks", "AlmanacTesting", "PostgresSession",
                "Scheduling", argumentParser, logging,
            ],
            swiftSettings: settings),
        .testTarget(
            name: "FaultTests",
            dependencies: [
                "AlmanacCLI", "AlmanacCore", "AlmanacTesting", "PostgresServer", "PostgresSession",
            ],
            swiftSettings: settings),
        // Without the settings of the house: examples compile as in a package of anybody's.
        .testTarget(
            name: "ExampleTests",
            dependencies: [
                "Almanac", "AlmanacCLI", "AlmanacCore", "AlmanacTasks", "AlmanacTesting",
                "PostgresSession",
            ],
            swiftSettings: strictness),
        .testTarget(name: "TidyTests", swiftSettings: settings),
    ]
)
