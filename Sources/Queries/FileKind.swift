/// What an extension says of a file's content: its media type, and the class that people search by.
public struct FileKind: Equatable, Sendable {
    /// Such as `image/jpeg`.
    public let mime: String
    /// One of `image`, `video`, `audio`, `text`, `document`, `archive`, `code`, `font`, `data`, `program`.
    public let type: String

    /// What is known of an extension in lower case, without its dot.
    public init?(ext: String) {
        guard let known = Self.byExtension[ext] else { return nil }
        self = known
    }

    private init(mime: String, type: String) {
        self.mime = mime
        self.type = type
    }

    static let byExtension: [String: FileKind] = {
        var kinds: [String: FileKind] = [:]
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            for ext in words.dropFirst(2) { kinds[ext] = FileKind(mime: words[1], type: words[0]) }
        }
        return kinds
    }()

    /// All that `type` compares with.
    static let typeNames =
        ["file", "symlink"] + Set(byExtension.values.map(\.type)).sorted()

    static let typeAliases = [
        "link": "symlink", "picture": "image", "photo": "image", "movie": "video", "music": "audio",
        "doc": "document", "source": "code",
    ]

    /// The extensions, in order, of which something holds.
    static func extensions(where holds: (FileKind) -> Bool) -> [String] {
        byExtension.filter { holds($0.value) }.keys.sorted()
    }

    /// Class, media type, extensions.
    private static let table = """
        image image/jpeg jpg jpeg jpe jfif
        image image/png png
        image image/gif gif
        image image/webp webp
        image image/heic heic
        image image/heif heif hif
        image image/avif avif
        image image/jxl jxl
        image image/bmp bmp dib
        image image/tiff tif tiff
        image image/svg+xml svg svgz
        image image/x-icon ico cur
        image image/jp2 jp2 j2k jpf jpx
        image image/vnd.adobe.photoshop psd psb
        image image/x-xcf xcf
        image image/x-exr exr
        image image/vnd.radiance hdr
        image image/x-tga tga
        image image/x-portable-pixmap ppm
        image image/x-portable-graymap pgm
        image image/x-portable-bitmap pbm
        image image/x-portable-anymap pnm
        image image/x-xpixmap xpm
        image image/x-xbitmap xbm
        image image/vnd.ms-dds dds
        image image/qoi qoi
        image image/vnd.djvu djvu djv
        image image/x-krita kra
        image image/openraster ora
        image image/x-adobe-dng dng
        image image/x-canon-cr2 cr2
        image image/x-canon-cr3 cr3
        image image/x-canon-crw crw
        image image/x-nikon-nef nef nrw
        image image/x-sony-arw arw sr2 srf
        image image/x-fuji-raf raf
        image image/x-olympus-orf orf
        image image/x-panasonic-rw2 rw2
        image image/x-pentax-pef pef
        image image/x-samsung-srw srw
        image image/x-sigma-x3f x3f
        image image/x-raw raw
        video video/mp4 mp4 m4v mp4v
        video video/x-matroska mkv mk3d
        video video/webm webm
        video video/quicktime mov qt
        video video/x-msvideo avi
        video video/x-ms-wmv wmv
        video video/x-ms-asf asf
        video video/x-flv flv f4v
        video video/mpeg mpg mpeg mpe m1v m2v
        video video/mp2t ts mts m2ts
        video video/dvd vob
        video video/ogg ogv
        video video/3gpp 3gp
        video video/3gpp2 3g2
        video video/x-dv dv
        video video/h264 h264 264
        video video/h265 h265 265 hevc
        video application/vnd.rn-realmedia rm rmvb
        video video/divx divx
        audio audio/mpeg mp3 mp2 mpga
        audio audio/flac flac
        audio audio/mp4 m4a m4b m4p
        audio audio/aac aac
        audio audio/ogg ogg oga spx
        audio audio/opus opus
        audio audio/x-wav wav
        audio audio/x-aiff aif aiff aifc
        audio audio/x-ms-wma wma
        audio audio/x-ape ape
        audio audio/x-wavpack wv
        audio audio/x-musepack mpc
        audio audio/midi mid midi kar
        audio audio/ac3 ac3
        audio audio/vnd.dts dts
        audio audio/x-dsf dsf
        audio audio/x-dff dff
        audio audio/amr amr
        audio audio/basic au snd
        audio audio/x-matroska mka
        audio audio/x-mod mod xm it s3m
        audio audio/vnd.audible.aax aax
        audio audio/mpegurl m3u m3u8
        audio audio/x-scpls pls
        audio application/x-cue cue
        text text/plain txt text log asc
        text text/markdown md markdown mdown
        text text/x-rst rst
        text text/asciidoc adoc asciidoc
        text text/org org
        text text/html html htm xhtml
        text text/css css
        text text/csv csv
        text text/tab-separated-values tsv tab
        text text/calendar ics ical
        text text/vcard vcf vcard
        text application/x-subrip srt
        text text/vtt vtt
        text text/x-ssa ssa ass
        text text/x-microdvd sub
        text text/x-diff diff patch
        text text/x-tex tex ltx sty cls
        text text/x-bibtex bib
        text text/x-nfo nfo
        text application/xml xml xsl xslt xsd
        text application/json json geojson webmanifest
        text application/x-ndjson ndjson jsonl
        text application/yaml yaml yml
        text application/toml toml
        text text/x-ini ini cfg conf properties desktop
        text message/rfc822 eml mht mhtml
        text application/mbox mbox
        document application/pdf pdf
        document application/postscript ps eps ai
        document application/epub+zip epub
        document application/x-mobipocket-ebook mobi prc azw
        document application/vnd.amazon.ebook azw3 kfx
        document application/x-fictionbook+xml fb2
        document application/x-cbr cbr
        document application/x-cbz cbz
        document application/msword doc dot
        document application/vnd.openxmlformats-officedocument.wordprocessingml.document docx dotx docm
        document application/vnd.oasis.opendocument.text odt ott fodt
        document application/rtf rtf
        document application/vnd.ms-excel xls xlt
        document application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx xltx xlsm
        document application/vnd.oasis.opendocument.spreadsheet ods ots fods
        document application/vnd.ms-powerpoint ppt pps pot
        document application/vnd.openxmlformats-officedocument.presentationml.presentation pptx ppsx pptm
        document application/vnd.oasis.opendocument.presentation odp otp fodp
        document application/vnd.oasis.opendocument.graphics odg otg fodg
        document application/vnd.oasis.opendocument.formula odf
        document application/vnd.visio vsd vsdx
        document application/x-abiword abw
        document application/vnd.wordperfect wpd
        document application/vnd.apple.pages pages
        document application/vnd.apple.numbers numbers
        document application/vnd.apple.keynote key
        document application/vnd.ms-xpsdocument xps oxps
        document application/onenote one
        archive application/zip zip
        archive application/x-tar tar
        archive application/gzip gz tgz
        archive application/x-bzip2 bz2 tbz2 tbz
        archive application/x-xz xz txz
        archive application/zstd zst tzst
        archive application/x-lzma lzma
        archive application/x-lz4 lz4
        archive application/x-lzip lz
        archive application/x-compress z
        archive application/x-7z-compressed 7z
        archive application/vnd.rar rar
        archive application/x-lzh-compressed lzh lha
        archive application/vnd.ms-cab-compressed cab
        archive application/x-cpio cpio
        archive application/x-brotli br
        archive application/vnd.debian.binary-package deb udeb
        archive application/x-rpm rpm
        archive application/java-archive jar war ear
        archive application/vnd.android.package-archive apk
        archive application/x-iso9660-image iso
        archive application/x-apple-diskimage dmg
        archive application/x-raw-disk-image img
        archive application/x-qemu-disk qcow2 qcow
        archive application/x-virtualbox-vdi vdi
        archive application/x-vmdk vmdk
        archive application/x-vhd vhd vhdx
        archive application/vnd.squashfs squashfs sqsh
        archive application/x-bittorrent torrent
        code text/x-c c h
        code text/x-c++ cpp cc cxx hpp hh hxx
        code text/x-swift swift
        code text/x-python py pyi pyw
        code application/x-ipynb+json ipynb
        code text/javascript js mjs cjs jsx
        code text/x-typescript tsx cts
        code text/x-java java
        code text/x-kotlin kt kts
        code text/x-scala scala
        code text/x-go go
        code text/rust rs
        code text/x-ruby rb
        code text/x-perl pl pm
        code application/x-php php
        code text/x-csharp cs
        code text/x-fsharp fs fsx
        code text/x-objective-c m mm
        code text/x-haskell hs
        code text/x-ocaml ml mli
        code text/x-erlang erl
        code text/x-elixir ex exs
        code text/x-lua lua
        code text/x-r r
        code text/x-julia jl
        code text/x-dart dart
        code text/x-zig zig
        code text/x-clojure clj cljs
        code text/x-lisp lisp lsp el
        code text/x-scheme scm
        code text/x-pascal pas
        code text/x-fortran f f90 f95
        code text/x-asm s asm
        code application/x-sh sh bash zsh
        code text/x-powershell ps1 psm1
        code application/x-bat bat cmd
        code text/x-sql sql
        code text/x-protobuf proto
        code text/x-makefile mk mak
        code text/x-cmake cmake
        code text/x-vue vue
        code text/x-svelte svelte
        code text/x-sass sass
        code text/x-scss scss
        code text/x-less less
        font font/ttf ttf
        font font/otf otf
        font font/woff woff
        font font/woff2 woff2
        font font/collection ttc otc
        font application/x-font-type1 pfa pfb
        data application/vnd.sqlite3 sqlite sqlite3 db db3
        data application/vnd.apache.parquet parquet
        data application/vnd.apache.arrow.file arrow feather
        data application/x-hdf5 h5 hdf5 hdf
        data application/netcdf nc
        data application/x-numpy npy npz
        data application/x-matlab-data mat
        data application/vnd.ms-access mdb accdb
        data application/gpx+xml gpx
        data application/vnd.google-earth.kml+xml kml
        data application/vnd.google-earth.kmz kmz
        data application/x-esri-shape shp
        data model/stl stl
        data model/obj obj
        data model/gltf+json gltf
        data model/gltf-binary glb
        data model/3mf 3mf
        data model/step step stp
        data image/vnd.dxf dxf
        data image/vnd.dwg dwg
        data application/x-blender blend
        data application/pgp-keys gpg pgp
        data application/x-x509-ca-cert crt cer der pem
        data application/x-pkcs12 p12 pfx
        data application/wasm wasm
        program application/vnd.microsoft.portable-executable exe dll sys
        program application/x-msi msi
        program application/x-sharedlib so
        program application/x-object o
        program application/x-archive a
        program application/vnd.appimage appimage
        program application/java-vm class
        program application/x-python-code pyc pyo
        """
}
