import SQLite

/// The tables of the metadata, and the steps that bring an older database up to date.
///
/// - `file` is an inode; its id is the inode number and is never used again.
/// - `entry` is a name in a directory, and remembers where the object of that name lies *now* (`key`,
///   `etag`) and which state of the file it holds (`stored_data`, `stored_meta`). Where these differ
///   from the name and the file, a `work` row makes the uploader bring the store in line.
/// - A name that was removed stays as a detached entry (`parent` < 0) until its object is gone.
enum Schema {
    static let version: Int64 = 4

    static func prepare(_ connection: Connection) throws(MetadataError) {
        let found = connection.first("PRAGMA user_version") { $0.integer(0) } ?? 0
        guard found <= version else { throw .newerSchema(found) }
        guard found < version else { return }
        if found < 1 { connection.execute(tree + tags + filters + fixedDirectories) }
        if found < 2 { connection.execute(views) }
        if found < 3 { connection.execute(changes) }
        if found < 4 { connection.execute(provisions) }
        connection.execute("PRAGMA user_version = \(version)")
    }

    private static let tree = """
        CREATE TABLE backend(
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          name TEXT NOT NULL UNIQUE,
          root INTEGER NOT NULL                 -- file id of the directory /backends/<name>
        );
        CREATE TABLE file(
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          backend INTEGER NOT NULL,             -- 0: a directory of GoSync's own
          mode INTEGER NOT NULL,                -- type and permissions, as st_mode
          uid INTEGER NOT NULL,
          gid INTEGER NOT NULL,
          links INTEGER NOT NULL DEFAULT 1,     -- attached names; of a directory, 2 + its subdirectories
          size INTEGER NOT NULL DEFAULT 0,      -- bytes
          mtime INTEGER NOT NULL,               -- times are nanoseconds since 1970
          atime INTEGER NOT NULL,
          ctime INTEGER NOT NULL,
          device INTEGER NOT NULL DEFAULT 0,    -- st_rdev of a device file
          target TEXT,                          -- of a symbolic link
          extra TEXT,                           -- content type and foreign metadata of the object, JSON
          known INTEGER NOT NULL DEFAULT 1,     -- 0: attributes were guessed from a listing
          data INTEGER NOT NULL DEFAULT 0,      -- generation of the bytes
          meta INTEGER NOT NULL DEFAULT 0,      -- generation of the attributes
          listed INTEGER                        -- of a directory: when it was last listed whole
        );
        CREATE INDEX file_backend ON file(backend);
        CREATE TABLE entry(
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          parent INTEGER NOT NULL,              -- file id of the directory; negative: detached
          name TEXT NOT NULL,
          component TEXT,                       -- of the key, where the name had to be escaped
          file INTEGER NOT NULL,
          ext TEXT,                             -- of the name, in lower case, without the dot
          backend INTEGER NOT NULL,
          key TEXT,                             -- of the object in the store; NULL: there is none
          etag TEXT,
          stored_data INTEGER NOT NULL DEFAULT 0,
          stored_meta INTEGER NOT NULL DEFAULT 0,
          touched INTEGER NOT NULL DEFAULT 0,   -- when this row last changed by our own hand
          vanished INTEGER,                     -- when others removed the object; its tags wait for it
          UNIQUE(parent, name)
        );
        CREATE INDEX entry_order ON entry(parent, id);
        CREATE INDEX entry_file ON entry(file);
        CREATE INDEX entry_ext ON entry(ext, file, parent);
        CREATE INDEX entry_name ON entry(name, file, parent);
        CREATE INDEX entry_key ON entry(backend, key) WHERE key IS NOT NULL;
        CREATE TABLE work(
          entry INTEGER PRIMARY KEY,            -- whose object the store has yet to follow
          due INTEGER NOT NULL,                 -- not before this moment
          tree INTEGER NOT NULL DEFAULT 0,      -- of a directory that moved: everything below follows
          sent TEXT,                            -- what was last on its way, should nobody hear of it
          attempts INTEGER NOT NULL DEFAULT 0,  -- that failed
          error TEXT                            -- of the last attempt
        );
        CREATE INDEX work_due ON work(due);
        CREATE TABLE upload(
          entry INTEGER PRIMARY KEY,            -- whose object goes up in parts
          backend INTEGER NOT NULL,
          key TEXT NOT NULL,
          id TEXT NOT NULL,                     -- what the store calls the upload
          fingerprint TEXT NOT NULL             -- of what it was begun for
        );

        """

    private static let tags = """
        CREATE TABLE tag_key(
          id INTEGER PRIMARY KEY,
          name TEXT NOT NULL UNIQUE,
          n INTEGER NOT NULL DEFAULT 0          -- files that have it
        );
        CREATE TABLE tag_value(
          id INTEGER PRIMARY KEY,
          key INTEGER NOT NULL,
          raw TEXT NOT NULL,
          folded TEXT NOT NULL,
          num REAL,                             -- where the whole value is a number
          time INTEGER,                         -- where it is a date
          n INTEGER NOT NULL DEFAULT 0,
          UNIQUE(key, raw)
        );
        CREATE TABLE file_tag(
          file INTEGER NOT NULL,
          key INTEGER NOT NULL,
          value INTEGER NOT NULL,
          num REAL,
          PRIMARY KEY(file, key, value)
        ) WITHOUT ROWID;
        CREATE INDEX tag_value_folded ON tag_value(key, folded);
        CREATE INDEX tag_value_num ON tag_value(key, num) WHERE num IS NOT NULL;
        CREATE INDEX tag_value_time ON tag_value(key, time) WHERE time IS NOT NULL;
        CREATE INDEX file_tag_value ON file_tag(value, file);
        CREATE INDEX file_tag_key ON file_tag(key, file, num);
        CREATE TABLE xattr(
          file INTEGER NOT NULL,
          name TEXT NOT NULL,
          value BLOB NOT NULL,
          PRIMARY KEY(file, name)
        ) WITHOUT ROWID;
        CREATE INDEX xattr_name ON xattr(name, file);

        """

    private static let filters = """
        CREATE TABLE filter(
          file INTEGER PRIMARY KEY,             -- the directory below /filters
          query TEXT NOT NULL,
          layout TEXT NOT NULL DEFAULT 'flat',
          names TEXT NOT NULL DEFAULT 'collide',
          configured INTEGER NOT NULL DEFAULT 0,
          members BLOB                          -- digest of what it held when its mtime last moved
        );

        """

    /// From version 1 to 2: what views need to be live without being gone through.
    private static let views = """
        CREATE INDEX file_mtime ON file(mtime);
        CREATE INDEX file_size ON file(size);
        ALTER TABLE filter ADD COLUMN checked INTEGER;           -- up to when its mtime is true
        ALTER TABLE filter ADD COLUMN folds INTEGER NOT NULL DEFAULT 0;    -- case is no difference
        ALTER TABLE filter ADD COLUMN asserts INTEGER NOT NULL DEFAULT 0;  -- ln and mv set its tags
        ALTER TABLE filter ADD COLUMN untags INTEGER NOT NULL DEFAULT 0;   -- unlink removes them

        """

    /// From version 2 to 3: since when work is pending, and the change log.
    private static let changes = """
        ALTER TABLE work ADD COLUMN since INTEGER NOT NULL DEFAULT 0;  -- what is delivered is not older
        UPDATE work SET since = min(due, unixepoch() * 1000000000);
        CREATE TABLE change(
          seq INTEGER PRIMARY KEY,              -- grows; the newest row stays, so none is used again
          time INTEGER NOT NULL,
          kind TEXT NOT NULL,
          payload TEXT NOT NULL                 -- a JSON object
        );

        """

    /// From version 3 to 4: backends that come and go at run time, and what seals their keys.
    private static let provisions = """
        ALTER TABLE backend ADD COLUMN removed INTEGER;  -- when it was taken away; its tags wait for it
        CREATE TABLE provision(
          backend INTEGER PRIMARY KEY,
          settings TEXT NOT NULL,               -- as a configuration would have them, a JSON object
          sealed BLOB                           -- the keys to the store
        );
        CREATE TABLE seal(
          id INTEGER PRIMARY KEY CHECK(id = 1),
          derivation TEXT NOT NULL,             -- how the key is made of the secret
          salt BLOB NOT NULL,
          proof BLOB NOT NULL                   -- opens under the right secret only
        );
        CREATE TABLE scan(
          directory INTEGER PRIMARY KEY,        -- of which all below is looked at
          backend INTEGER NOT NULL,
          began INTEGER NOT NULL,
          position TEXT                         -- everything up to this key is done
        );

        """

    /// `/`, `/backends` and `/filters`, and numbers up to 1023 set aside for others like them.
    private static let fixedDirectories = """
        INSERT INTO file(id, backend, mode, uid, gid, links, mtime, atime, ctime)
          VALUES (1, 0, 16877, 0, 0, 4, 0, 0, 0), (2, 0, 16877, 0, 0, 2, 0, 0, 0),
                 (3, 0, 16877, 0, 0, 2, 0, 0, 0), (1023, 0, 0, 0, 0, 0, 0, 0, 0);
        DELETE FROM file WHERE id = 1023;
        INSERT INTO entry(parent, name, file, backend) VALUES (1, 'backends', 2, 0), (1, 'filters', 3, 0);

        """
}
