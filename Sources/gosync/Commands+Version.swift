import Base
import Wire

extension Commands {
    static let version = Command(
        name: "version",
        summary: "Tells the version of this program",
        options: [.json],
        run: { invocation in
            if invocation.isJSON {
                Output.json(Version(version: Release.version))
            } else {
                Output.line("gosync \(Release.version)")
            }
        }
    )
}
