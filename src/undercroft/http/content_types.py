"""Content types by file extension, for uploads that ask for `b2/x-auto` (reference, section 4.6).

A table of our own, since the one of the operating system differs from machine to machine, and a file must get the same
type wherever it is uploaded. Each line: a type and the extensions that mean it.
"""

from __future__ import annotations

AUTOMATIC = "b2/x-auto"
UNKNOWN = "application/octet-stream"

_TABLE = """
application/atom+xml                                                        atom
application/epub+zip                                                        epub
application/gpx+xml                                                         gpx
application/java-archive                                                    ear jar war
application/json                                                            json map
application/ld+json                                                         jsonld
application/manifest+json                                                   webmanifest
application/mathematica                                                     nb
application/msword                                                          doc dot
application/octet-stream                                                    bin dat deb dmg exe img iso msi pkg so
application/ogg                                                             ogx
application/pdf                                                             pdf
application/pgp-encrypted                                                   pgp
application/pgp-signature                                                   asc sig
application/postscript                                                      ai eps ps
application/rss+xml                                                         rss
application/rtf                                                             rtf
application/sql                                                             sql
application/vnd.android.package-archive                                     apk
application/vnd.apple.mpegurl                                               m3u8
application/vnd.google-earth.kml+xml                                        kml
application/vnd.google-earth.kmz                                            kmz
application/vnd.ms-excel                                                    xla xls xlt
application/vnd.ms-fontobject                                               eot
application/vnd.ms-outlook                                                  msg
application/vnd.ms-powerpoint                                               pot pps ppt
application/vnd.ms-project                                                  mpp
application/vnd.oasis.opendocument.graphics                                 odg
application/vnd.oasis.opendocument.presentation                             odp
application/vnd.oasis.opendocument.spreadsheet                              ods
application/vnd.oasis.opendocument.text                                     odt
application/vnd.openxmlformats-officedocument.presentationml.presentation   pptx
application/vnd.openxmlformats-officedocument.presentationml.slideshow      ppsx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet           xlsx
application/vnd.openxmlformats-officedocument.spreadsheetml.template        xltx
application/vnd.openxmlformats-officedocument.wordprocessingml.document     docx
application/vnd.openxmlformats-officedocument.wordprocessingml.template     dotx
application/vnd.rar                                                         rar
application/vnd.sqlite3                                                     sqlite sqlite3
application/vnd.tcpdump.pcap                                                cap pcap
application/vnd.visio                                                       vsd
application/wasm                                                            wasm
application/x-7z-compressed                                                 7z
application/x-bittorrent                                                    torrent
application/x-bzip2                                                         bz2
application/x-cpio                                                          cpio
application/x-csh                                                           csh
application/x-debian-package                                                udeb
application/x-dvi                                                           dvi
application/x-gzip                                                          gz tgz
application/x-latex                                                         latex
application/x-lzma                                                          lzma
application/x-mobipocket-ebook                                              mobi prc
application/x-ndjson                                                        ndjson
application/x-perl                                                          pl pm
application/x-rpm                                                           rpm
application/x-sh                                                            sh
application/x-shockwave-flash                                               swf
application/x-subrip                                                        srt
application/x-tar                                                           tar
application/x-tcl                                                           tcl
application/x-tex                                                           tex
application/x-x509-ca-cert                                                  crt der
application/x-xz                                                            xz
application/xhtml+xml                                                       xht xhtml
application/xslt+xml                                                        xslt
application/yaml                                                            yaml yml
application/zip                                                             zip
application/zstd                                                            zst
audio/aac                                                                   aac
audio/aiff                                                                  aif aifc aiff
audio/amr                                                                   amr
audio/basic                                                                 au snd
audio/flac                                                                  flac
audio/midi                                                                  kar mid midi
audio/mp4                                                                   m4a m4b mp4a
audio/mpeg                                                                  mp2 mp3 mpga
audio/ogg                                                                   oga ogg opus spx
audio/x-matroska                                                            mka
audio/x-mpegurl                                                             m3u
audio/x-ms-wma                                                              wma
audio/x-wav                                                                 wav
font/collection                                                             ttc
font/otf                                                                    otf
font/ttf                                                                    ttf
font/woff                                                                   woff
font/woff2                                                                  woff2
image/apng                                                                  apng
image/avif                                                                  avif
image/bmp                                                                   bmp dib
image/gif                                                                   gif
image/heic                                                                  heic
image/heif                                                                  heif
image/jp2                                                                   jp2 jpg2
image/jpeg                                                                  jfif jpe jpeg jpg
image/jxl                                                                   jxl
image/png                                                                   png
image/svg+xml                                                               svg svgz
image/tiff                                                                  tif tiff
image/vnd.adobe.photoshop                                                   psd
image/vnd.djvu                                                              djv djvu
image/vnd.dwg                                                               dwg
image/vnd.dxf                                                               dxf
image/webp                                                                  webp
image/x-adobe-dng                                                           dng
image/x-canon-cr2                                                           cr2
image/x-icon                                                                ico
image/x-nikon-nef                                                           nef
image/x-portable-anymap                                                     pnm
image/x-portable-bitmap                                                     pbm
image/x-portable-graymap                                                    pgm
image/x-portable-pixmap                                                     ppm
image/x-sony-arw                                                            arw
image/x-xbitmap                                                             xbm
message/rfc822                                                              eml mht mhtml mime
model/gltf+json                                                             gltf
model/gltf-binary                                                           glb
model/stl                                                                   stl
text/calendar                                                               ics ifb
text/css                                                                    css
text/csv                                                                    csv
text/html                                                                   htm html shtml
text/javascript                                                             cjs js mjs
text/markdown                                                               markdown md
text/plain                                                                  conf def ini list log text txt
text/richtext                                                               rtx
text/tab-separated-values                                                   tsv
text/vcard                                                                  vcard vcf
text/vtt                                                                    vtt
text/x-c                                                                    c cc cpp cxx h hh hpp
text/x-go                                                                   go
text/x-java-source                                                          java
text/x-pascal                                                               p pas
text/x-python                                                               py
text/x-rust                                                                 rs
text/xml                                                                    xml xsd xsl
video/3gpp                                                                  3gp
video/3gpp2                                                                 3g2
video/h264                                                                  h264
video/mp2t                                                                  m2ts mts ts
video/mp4                                                                   m4v mp4 mp4v mpg4
video/mpeg                                                                  m1v m2v mpe mpeg mpg
video/ogg                                                                   ogv
video/quicktime                                                             mov qt
video/webm                                                                  webm
video/x-flv                                                                 flv
video/x-matroska                                                            mkv
video/x-ms-asf                                                              asf asx
video/x-ms-wmv                                                              wmv
video/x-msvideo                                                             avi
"""

CONTENT_TYPES: dict[str, str] = {
    extension: content_type
    for content_type, *extensions in (line.split() for line in _TABLE.split("\n") if line)
    for extension in extensions
}


def content_type_of(file_name: str) -> str:
    """The content type by the last extension of the name, in any letter case; octets where it is unknown or absent."""
    stem, dot, extension = file_name.rpartition("/")[2].rpartition(".")
    return CONTENT_TYPES.get(extension.lower(), UNKNOWN) if dot and stem else UNKNOWN
