import CLinux
import Glibc

/// Renames a file, with the flags of renameat2(2): 1 refuses to replace, 2 exchanges.
public func renameat2(_ path: String, _ newPath: String, _ flags: UInt32) -> CInt {
    gosync_renameat2(AT_FDCWD, path, AT_FDCWD, newPath, flags)
}
