import Datagrams

/// One self-contained page: a title, the figures that matter most, a table of contents, and sections in the order they
/// were added. No script, no font, no address outside of it; it reads in light and dark and prints on paper.
package struct HTMLPage {
    /// Of every page, whatever it shows: 500 kB, less what the frame itself takes.
    package static let mostBytes = 500_000

    private let title: String
    private let subtitle: String
    private let foot: String
    private var head = HTMLWriter()
    private var sections: [(id: String, heading: String, body: HTMLWriter)] = []

    /// - Parameters:
    ///   - title: what the page is about, the browser's title too.
    ///   - subtitle: a line below it, such as when it was.
    ///   - foot: who made it.
    package init(title: String, subtitle: String, foot: String) {
        self.title = title
        self.subtitle = subtitle
        self.foot = foot
    }

    /// What stands above the first section.
    package mutating func head(_ body: (inout HTMLWriter) -> Void) { body(&head) }

    /// A section; one without a body is left out. `id` is the place's name in the page.
    package mutating func section(_ heading: String, id: StaticString, _ body: (inout HTMLWriter) -> Void) {
        var html = HTMLWriter()
        body(&html)
        if html.count > 0 { sections.append((id.description, heading, html)) }
    }

    /// Bytes so far, without the frame.
    package var count: Int { sections.reduce(head.count) { $0 + $1.body.count + $1.heading.utf8.count + 100 } }

    /// Bytes that a section may still have.
    package var room: Int { max(0, Self.mostBytes - Self.frameBytes - count) }

    private static let frameBytes = 16_000

    package func html() -> ByteBuffer {
        var html = HTMLWriter()
        html.raw("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n")
        html.raw("<meta charset=\"utf-8\"/>\n")
        html.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n")
        html.raw("<meta name=\"color-scheme\" content=\"light dark\"/>\n")
        html.raw("<meta http-equiv=\"Content-Security-Policy\" ")
        html.raw("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>\n")
        html.element("title", title)
        html.raw("<style>")
        html.raw(Self.style)
        html.raw("</style>\n</head>\n<body>\n")
        html.element("header") {
            $0.element("h1", title)
            $0.paragraph(subtitle, class: "muted")
        }
        html.element("main") { html in
            html.append(head)
            if sections.count > 3 { contents(&html) }
            for (number, section) in sections.enumerated() {
                html.element("section", id: section.id) {
                    $0.element("h2", "\(number + 1)  \(section.heading)")
                    $0.append(section.body)
                }
            }
        }
        html.element("footer", foot)
        html.raw("</body>\n</html>\n")
        return html.bytes
    }

    private func contents(_ html: inout HTMLWriter) {
        html.raw("<nav aria-label=\"Contents\"><ol>")
        for section in sections {
            html.raw("<li>")
            html.link(to: "#" + section.id, section.heading)
            html.raw("</li>")
        }
        html.raw("</ol></nav>\n")
    }

    /// Pictures are drawn for white paper; in the dark they are turned over, with their hues kept.
    private static let style: StaticString = """

        :root{--paper:#fff;--ink:#1d2126;--muted:#5a6270;--line:#d8dce2;--soft:#f4f6f8;--link:#0b57a8;
        --good:#0a6b4c;--doubtful:#8a5800;--bad:#a8231a;--goodsoft:#e8f5ef;--doubtfulsoft:#fdf3df;--badsoft:#fbe9e7}
        @media (prefers-color-scheme:dark){:root{--paper:#1a1a1a;--ink:#e4e6ea;--muted:#a2a9b4;--line:#3c4047;
        --soft:#242629;--link:#7db8f5;--good:#5fd0a5;--doubtful:#e8b350;--bad:#ff8f85;--goodsoft:#15291f;
        --doubtfulsoft:#302611;--badsoft:#341a18}
        figure svg,figure img{filter:invert(.9) hue-rotate(180deg)}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%}
        body{margin:0 auto;max-width:1010px;padding:28px 24px 60px;background:var(--paper);color:var(--ink);
        font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',Arial,sans-serif}
        h1{font-size:25px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
        h2{font-size:19px;line-height:1.3;margin:46px 0 10px;padding-top:14px;border-top:1px solid var(--line);
        white-space:pre-wrap}
        h3{font-size:16px;margin:26px 0 6px}
        p{margin:8px 0;max-width:80ch}
        ul{margin:8px 0;padding-left:22px}
        li{max-width:80ch}
        a{color:var(--link)}
        code,pre{font:13px/1.45 ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace}
        code{overflow-wrap:anywhere}
        pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:10px 12px;margin:8px 0;
        overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
        .muted,figcaption,caption,footer{color:var(--muted)}
        header p{margin:0}
        nav ol{margin:16px 0 0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;font-size:14px}
        .verdict{border-left:7px solid var(--line);border-radius:4px;background:var(--soft);padding:12px 18px;
        margin:18px 0}
        .verdict p:first-child{font-size:21px;font-weight:700;margin:0}
        .verdict.good{border-color:var(--good);background:var(--goodsoft)}
        .verdict.doubtful{border-color:var(--doubtful);background:var(--doubtfulsoft)}
        .verdict.bad{border-color:var(--bad);background:var(--badsoft)}
        b.good{color:var(--good)}b.doubtful{color:var(--doubtful)}b.bad{color:var(--bad)}
        .tiles{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0 0;padding:0;list-style:none}
        .tiles li{flex:1 1 128px;border:1px solid var(--line);border-radius:6px;padding:8px 12px}
        .tiles span{display:block;font-size:13px;color:var(--muted)}
        .tiles strong{display:block;font-size:20px;line-height:1.35;font-variant-numeric:tabular-nums}
        .wide{overflow-x:auto;margin:12px 0}
        table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
        caption{text-align:left;font-size:13.5px;padding:0 0 5px}
        th,td{text-align:left;vertical-align:top;padding:4px 16px 4px 0;border-bottom:1px solid var(--line)}
        th.n,td.n{text-align:right;white-space:nowrap}
        thead th{font-weight:600;color:var(--muted);border-bottom:2px solid var(--line);vertical-align:bottom}
        tbody th{font-weight:600}
        dl{display:grid;grid-template-columns:minmax(120px,max-content) 1fr;gap:3px 20px;margin:12px 0;font-size:14px}
        dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
        figure{margin:18px 0}
        figure svg,figure img{display:block;max-width:100%;height:auto}
        figcaption{font-size:13.5px;max-width:90ch;margin-top:4px}
        details{border:1px solid var(--line);border-radius:6px;margin:10px 0;padding:0 14px}
        details[open]{padding-bottom:8px}
        summary{cursor:pointer;padding:8px 0;font-weight:600;overflow-wrap:anywhere}
        footer{margin-top:50px;border-top:1px solid var(--line);padding-top:10px;font-size:13px}
        @media print{:root{--paper:#fff;--ink:#000;--muted:#444;--line:#bbb;--soft:#f4f4f4;--link:#000;--good:#0a6b4c;
        --doubtful:#8a5800;--bad:#a8231a;--goodsoft:#e8f5ef;--doubtfulsoft:#fdf3df;--badsoft:#fbe9e7}
        @page{margin:14mm}
        body{max-width:none;padding:0;font-size:10.5pt}
        figure svg,figure img{filter:none}
        nav{display:none}
        h2{margin-top:22px}
        h2,h3,caption,summary,thead{break-after:avoid}
        tbody tr:first-child{break-before:avoid}
        table{font-size:9pt}
        .tiles li{flex-basis:90px}
        figure,tr,.verdict,.tiles,dl{break-inside:avoid}
        .wide{overflow:visible}
        a{text-decoration:none}}

        """
}
