"""The report of `vesalius data lint`, one self-contained HTML file: what was found, how often, with places and pictures."""

import base64
import html
from collections.abc import Mapping, Sequence

from vesalius.datasets.faults import Fault
from vesalius.datasets.lint.tally import Found
from vesalius.datasets.views import Panel
from vesalius.errors import FAULTS
from vesalius.transforms.draw import jpeg_bytes
from vesalius.types import NOTICE

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
SHOWN = 12  # places of each code
STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1d2429;background:#fff}
table{border-collapse:collapse;margin:.6rem 0}th,td{padding:.2rem .7rem;border-bottom:1px solid #d5dbe0;text-align:left;
vertical-align:top;overflow-wrap:anywhere}td.n{text-align:right}.notice{border-left:4px solid #c25700;padding:.3rem .8rem}
.error{color:#a32020;font-weight:600}.warning{color:#8a5200;font-weight:600}.note{color:#3f5866}
.panels{display:flex;flex-wrap:wrap;gap:1rem}figure{margin:0;max-width:20rem}figure img{max-width:100%;background:#000}
figcaption{font-size:13px;color:#4a5962}"""


def page(title: str, found: Found, facts: Mapping[str, str], pictures: Mapping[str, Sequence[tuple[str, Panel]]]) -> str:
    """The whole report: no script, nothing fetched, every foreign text escaped.

    Args:
        title: of the page.
        found: the faults.
        facts: lines of the head.
        pictures: a fault's code → pictures of its first samples, each with what it is called.
    """
    head = "".join(f"<tr><td>{_safe(name)}</td><td>{_safe(value)}</td></tr>" for name, value in facts.items())
    rows = "".join(
        f'<tr><td class="{severity}">{severity}</td><td><a href="#{code}">{code}</a></td><td class="n">{count:,}</td>'
        f"<td>{_safe(FAULTS[code][1])}</td></tr>"
        for code, severity, count in found.codes()
    )
    table = (
        f"<table><tr><th></th><th>code</th><th>times</th><th>what it is</th></tr>{rows}</table>" if rows else "<p>Nothing.</p>"
    )
    parts = "".join(_part(code, found, pictures.get(code, ())) for code, _, _ in found.codes())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{_safe(title)}</title>'
        f'<style>{STYLE}</style></head><body><h1>{_safe(title)}</h1><p class="notice">{_safe(NOTICE)}</p><table>{head}</table>'
        f"<h2>What was found</h2>{table}{parts}</body></html>\n"
    )


def _part(code: str, found: Found, pictures: Sequence[tuple[str, Panel]]) -> str:
    faults = found.examples(code)
    rows = "".join(_row(fault) for fault in faults[:SHOWN])
    rest = found.count(code) - min(len(faults), SHOWN)
    more = f"<p>and {rest:,} more</p>" if rest > 0 else ""
    figures = "".join(
        f'<figure><img alt="{_safe(panel.caption)}" src="{_uri(panel)}">'
        f"<figcaption>{_safe(name)}: {_safe(panel.caption)}</figcaption></figure>"
        for name, panel in pictures
    )
    return f'<h3 id="{code}">{code}</h3><table>{rows}</table>{more}<div class="panels">{figures}</div>'


def _row(fault: Fault) -> str:
    return f"<tr><td>{_safe(fault.where)}</td><td>{_safe(fault.key)}</td><td>{_safe(fault.message)}</td></tr>"


def _uri(panel: Panel) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg_bytes(panel.pixels)).decode()}"


def _safe(text: str) -> str:
    return html.escape(text)
