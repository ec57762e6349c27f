// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target compiles under the same strict rules; a warning fails the build.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]
/// Floors that never touch a C pointer also prove it to the compiler.
let safe = strict + [.strictMemorySafety()]

/// A module of ours: the compiler sees only what is named here, and a test holds the floors.
func module(
    _ name: String,
    _ dependencies: [Target.Dependency],
    _ settings: [SwiftSetting] = strict
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies + ["TestSupport"], swiftSettings: strict)
}

let package = Package(
    name: "GoSync",
    products: [
        .executable(name: "gosync", targets: ["gosync"]),
        .executable(name: "gosync-mount", targets: ["gosync-mount"]),
    ],
    targets: [
        // Floor 0: C libraries, one module map each, and what Glibc's own module hides.
        .target(name: "CLinux"),
        .target(name: "CMD5"),
        .target(
            name: "CFUSE",
            dependencies: ["CLinux"],
            linkerSettings: [.linkedLibrary("fuse3"), .linkedLibrary("uring")]
        ),
        .systemLibrary(
            name: "CSQLite",
            pkgConfig: "sqlite3",
            providers: [.apt(["libsqlite3-dev"])]
        ),
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]
        ),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(
            name: "CWebSockets",
            pkgConfig: "libwebsockets",
            providers: [.apt(["libwebsockets-dev"])]
        ),
        // Floor 1: vocabulary shared by everyone.
        module("Base", ["CLinux"]),
        // Floor 2: one Swift wrapper per C library, and the pure languages.
        module("SQLite", ["CSQLite", "Base"]),
        module("HTTP", ["CCurl", "Base"]),
        module("Digest", ["COpenSSL", "CMD5", "Base"]),
        module("XML", ["CExpat", "Base"]),
        module("WebServer", ["CWebSockets", "Base"]),
        module("Queries", ["Base"], safe),
        module("Wire", ["Base"], safe),
        module("Settings", ["Base"], safe),
        // Floor 3: engines.
        module("Metadata", ["Base", "SQLite", "Queries", "Digest"], safe),
        module("Stores", ["Base", "HTTP", "Digest", "XML"], safe),
        module("Cache", ["Base", "SQLite"], safe),
        // Floor 4: the file system itself, with no FUSE in sight.
        module(
            "Volumes",
            ["Base", "Digest", "SQLite", "Queries", "Metadata", "Stores", "Cache"],
            safe
        ),
        // Floor 5: the kernel's door and the control socket's.
        module("Mounting", ["CFUSE", "Base", "Metadata", "Volumes"]),
        module(
            "Agent",
            [
                "Base", "SQLite", "Digest", "HTTP", "WebServer", "Wire", "Settings", "Metadata",
                "Stores", "Cache", "Volumes",
            ],
            safe
        ),
        // Floor 6: programs.
        .executableTarget(
            name: "gosync",
            dependencies: ["Base", "HTTP", "Queries", "Settings", "Wire"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "gosync-mount",
            dependencies: [
                "Base", "Queries", "Settings", "WebServer", "Wire", "Metadata", "Stores", "Cache",
                "Volumes", "Mounting", "Agent",
            ],
            swiftSettings: strict
        ),
        // Tests: one target per module, and one that mounts the real program.
        .target(
            name: "TestSupport",
            dependencies: ["Base", "CLinux", "Queries"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("BaseTests", ["Base"]),
        tests("SQLiteTests", ["SQLite"]),
        tests("HTTPTests", ["HTTP", "XML", "WebServer"]),
        tests("DigestTests", ["Digest"]),
        tests("QueriesTests", ["Queries", "SQLite"]),
        tests("WireTests", ["Wire"]),
        tests("AgentTests", ["Agent", "Wire", "WebServer", "gosync"]),
        tests("SettingsTests", ["Settings"]),
        tests("MetadataTests", ["Metadata", "SQLite", "Queries"]),
        tests("StoresTests", ["Stores", "Base", "Digest", "HTTP"]),
        tests("CacheTests", ["Cache", "SQLite"]),
        tests("VolumesTests", ["Volumes", "Metadata", "SQLite", "Stores", "Cache"]),
        tests("MountTests", ["Base", "Queries", "Wire", "gosync", "gosync-mount"]),
        tests("TidyTests", []),
    ]
)
