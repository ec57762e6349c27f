/// What gosync-mount takes on its command line: its help and its man page are made from this.
public enum MountUsage {
    public struct Option: Sendable {
        /// As they are written, such as `-c, --config FILE`.
        public let names: String
        /// Without a full stop.
        public let help: String
    }

    public static let summary = "Mounts object stores and directories as one file system"

    public static let synopsis = "gosync-mount MOUNTPOINT [-c FILE] [-f] [-o OPTION[,OPTION…]]"

    public static let description = """
        Mounts GoSync on a directory and returns once it answers. Without a configuration it works with
        one backend `local`, a plain directory in its data directory.
        """

    public static let options = [
        Option(
            names: "-c, --config FILE",
            help: "read this mount.conf instead of looking for one"
        ),
        Option(
            names: "-f, --foreground",
            help: "stay in the foreground, and log to standard error if [log] says nothing else"
        ),
        Option(
            names: "-o OPTION[,…]",
            help: "mount options: ro, allow_other, noexec, nodev, nosuid, noatime, …"
        ),
        Option(
            names: "    --log-level LEVEL",
            help: "error, warning, info or debug; for a part, as in info,Stores=debug"
        ),
        Option(
            names: "    --check",
            help: "mount nothing: ask every backend whether it answers, and print that as JSON"
        ),
        Option(names: "-h, --help", help: "show this"),
        Option(names: "    --version", help: "show the version"),
    ]

    public static let unmounting =
        "Unmount with `fusermount3 -u MOUNTPOINT` (or `umount MOUNTPOINT` as root)."

    public static let fstab = """
        mount(8) finds the program by the name mount.fuse.gosync. A line of /etc/fstab names the
        configuration in place of a device:

            /etc/gosync/mount.conf  /mnt/gosync  fuse.gosync  _netdev,nofail  0 0
        """

    public static var help: String {
        let column = options.map(\.names.count).max() ?? 0
        let rows = options.map { option in
            let padding = String(repeating: " ", count: column - option.names.count)
            return "  \(option.names)\(padding)   \(option.help)\n"
        }
        return "Usage: \(synopsis)\n\n\(description)\n\n\(rows.joined())\n\(unmounting)"
    }
}
