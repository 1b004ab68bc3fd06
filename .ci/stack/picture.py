#!/usr/bin/env python3
"""Draws a dashboard without Grafana: picture.py DASHBOARD.json http://PROMETHEUS MINUTES > page.html

For docs/dashboard.png: the places, titles, queries, units, thresholds and colours are the dashboard's own, the numbers
those of a real Prometheus; only the drawing is this program's, so the picture is like Grafana's and not from it. It knows
the kinds of panel that the Fleet dashboard has. To make the picture from the page:

    chromium --headless --no-sandbox --disable-gpu --window-size=1280,1000 --screenshot=docs/dashboard.png page.html
"""

import html
import json
import sys
import time

from dashboards import ask, defaults, fill

PALETTE = ["#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0"]
COLOURS = {"green": "#73bf69", "yellow": "#fade2a", "orange": "#ff9830", "red": "#f2495c", "blue": "#5794f2"}
CELL_W, CELL_H, GAP = 52, 34, 6


def shown(value, unit, decimals=None):
    """A number with its unit."""
    if unit == "s":
        for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
            if value >= size:
                return f"{value / size:.1f} {name}"
        return f"{value:.0f} s"
    digits = 1 if decimals is None else decimals
    if unit == "Hs":
        for size, name in ((1e15, "PH/s"), (1e12, "TH/s"), (1e9, "GH/s")):
            if value >= size:
                return f"{value / size:.{digits}f} {name}"
        return f"{value:.0f} H/s"
    if unit == "watt":
        return f"{value / 1000:.2f} kW" if value >= 1000 else f"{value:.0f} W"
    text = f"{value:.{digits}f}" if decimals is not None or value % 1 else f"{value:.0f}"
    return text + {"celsius": " °C", "percent": " %"}.get(unit, " " + unit.removeprefix("suffix: ") if unit.startswith("suffix:") else "")


def look(value, field):
    """Text and colour of a number by mappings and thresholds."""
    for mapping in field.get("mappings", []):
        if hit := mapping["options"].get(f"{value:.0f}"):
            return hit["text"], COLOURS.get(hit["color"], hit["color"])
    colour = "green"
    for step in field["thresholds"]["steps"]:
        if step["value"] is None or value >= step["value"]:
            colour = step["color"]
    return shown(value, field.get("unit", ""), field.get("decimals")), COLOURS.get(colour, colour)


def legend(target, labels):
    """The name of a series."""
    text = target["legendFormat"]
    for key, value in labels.items():
        text = text.replace("{{%s}}" % key, value)
    return "" if text == "__auto" else text


class Board:
    """A dashboard at a moment, with the Prometheus that answers for it."""

    def __init__(self, board, base, minutes):
        self.board, self.base, self.values = board, base, defaults(board)
        self.end = time.time() // 5 * 5
        self.start, self.step = self.end - minutes * 60, max(5, minutes * 60 // 400)

    def curves(self, panel):
        """(name, [(time, value)]) of all its queries."""
        for target in panel["targets"]:
            expr = fill(target["expr"], self.values)
            for one in ask(self.base, "query_range", query=expr, start=self.start, end=self.end, step=self.step)["result"]:
                yield legend(target, one["metric"]), [(float(t), float(v)) for t, v in one["values"]]

    def draw(self, panel):
        """The inside of a panel."""
        field = panel["fieldConfig"]["defaults"]
        kind, w, h = panel["type"], panel["gridPos"]["w"] * CELL_W - GAP, panel["gridPos"]["h"] * CELL_H - GAP
        if kind == "table":
            return self.rows(panel)
        series = sorted(self.curves(panel))
        if kind == "stat":
            return self.tiles(panel, field, series)
        height, width = h - 76, w - 78
        if kind == "state-timeline":
            return self.bands(field, series, width, height)
        stacked = field["custom"].get("stacking", {}).get("mode") == "normal"
        base, lines = {}, []
        for name, points in series:
            if stacked:
                points = [(t, base.get(t, 0) + v) for t, v in points]
                base.update(points)
            lines.append((name, points))
        top = max((v for _, ps in lines for _, v in ps), default=1) * 1.08
        def at(t, v):
            return f"{60 + (t - self.start) / (self.end - self.start) * width:.1f},{4 + height * (1 - v / top):.1f}"
        out = []
        for i in range(5):
            y = 4 + height * i / 4
            out.append(f'<path d="M60 {y:.0f}H{60 + width}" stroke="#2c3235"/><text x="54" y="{y + 4:.0f}" text-anchor="end">{shown(top * (1 - i / 4), field["unit"], 0)}</text>')
        out += self.clock(width, height)
        for i, (_, points) in reversed(list(enumerate(lines))):
            parts, last = [], None
            for t, v in points:
                if last is None or t - last > 1.5 * self.step:
                    parts.append([])
                parts[-1].append((t, v))
                last = t
            for part in parts:
                line = " ".join(at(*p) for p in part)
                if stacked:
                    out.append(f'<polygon points="{at(part[0][0], 0)} {line} {at(part[-1][0], 0)}" fill="{PALETTE[i % 8]}" fill-opacity=".4"/>')
                out.append(f'<polyline points="{line}" fill="none" stroke="{PALETTE[i % 8]}" stroke-width="1.3"/>')
        keys = " ".join(f'<span><b style="background:{PALETTE[i % 8]}"></b>{html.escape(n)}</span>' for i, (n, _) in enumerate(lines))
        return f'<svg width="{w}" height="{height + 24}">{"".join(out)}</svg><div class="keys">{keys}</div>'

    def clock(self, width, height):
        """Times below a curve."""
        for i in range(6):
            t = self.start + (self.end - self.start) * i / 5
            yield f'<text x="{60 + width * i / 5:.0f}" y="{height + 20}" text-anchor="{"end" if i == 5 else "middle"}">{time.strftime("%H:%M", time.gmtime(t))}</text>'

    def tiles(self, panel, field, series):
        """Large numbers."""
        out = []
        for name, points in series:
            text, colour = look(points[-1][1], field)
            filled = panel["options"]["colorMode"] == "background"
            style = f"background:{colour};color:#111" if filled else f"color:{colour}"
            named = f"<small>{html.escape(name)}</small>" if panel["options"]["textMode"] == "value_and_name" else ""
            out.append(f'<div class="tile" style="{style}">{named}{html.escape(text)}</div>')
        return f'<div class="tiles">{"".join(out)}</div>'

    def bands(self, field, series, width, height):
        """Coloured bars over time."""
        out, each = [], height / max(1, len(series))
        for i, (name, points) in enumerate(series):
            out.append(f'<text x="54" y="{4 + each * (i + .6):.0f}" text-anchor="end">{html.escape(name)}</text>')
            for t, v in points:
                x = 60 + (t - self.start) / (self.end - self.start) * width
                out.append(f'<rect x="{x:.1f}" y="{4 + each * (i + .1):.1f}" width="{self.step / (self.end - self.start) * width + .6:.1f}" height="{each * .8:.1f}" fill="{look(v, field)[1]}"/>')
        return f'<svg width="{width + 70}" height="{height + 24}">{"".join(out)}{"".join(self.clock(width, height))}</svg>'

    def rows(self, panel):
        """A table, its queries merged by their common labels."""
        change = panel["transformations"][1]["options"]
        rows, labels = {}, []
        for target in panel["targets"]:
            for one in ask(self.base, "query", query=fill(target["expr"], self.values), time=self.end)["result"]:
                row = rows.setdefault(one["metric"]["ip"], {})
                for key, value in one["metric"].items():
                    row[key] = value
                    if key not in labels:
                        labels.append(key)
                row[change["renameByName"].get("Value #" + target["refId"])] = float(one["value"][1])
        fields = {o["matcher"]["options"]: {p["id"]: p["value"] for p in o["properties"]} for o in panel["fieldConfig"]["overrides"]}
        columns = ["ip", *(x for x in labels if x != "ip"), *change["renameByName"].values()]
        columns = [c for c in columns if any(c in row for row in rows.values())]
        out = ["<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in columns) + "</tr>"]
        for row in sorted(rows.values(), key=lambda r: r["ip"]):
            out.append("<tr>")
            for column in columns:
                value, style = row.get(column, ""), ""
                if isinstance(value, float):
                    field = {**panel["fieldConfig"]["defaults"], **fields.get(column, {})}
                    text, colour = look(value, field)
                    way = field.get("custom.cellOptions", {}).get("type")
                    style = {"color-background": f"background:{colour};color:#111", "color-text": f"color:{colour}"}.get(way, "")
                    value = text
                out.append(f'<td style="{style}">{html.escape(value)}</td>')
            out.append("</tr>")
        return f'<table>{"".join(out)}</table>'

    def page(self):
        """The whole page."""
        out = []
        for panel in self.board["panels"]:
            if panel["type"] == "row":
                continue
            g = panel["gridPos"]
            place = f'left:{g["x"] * CELL_W}px;top:{g["y"] * CELL_H}px;width:{g["w"] * CELL_W - GAP}px;height:{g["h"] * CELL_H - GAP}px'
            out.append(f'<section style="{place}"><h2>{html.escape(panel["title"])}</h2>{self.draw(panel)}</section>')
        return f"""<!doctype html><meta charset="utf-8"><style>
body {{ background: #111217; color: #ccccdc; font: 12px "DejaVu Sans", sans-serif; margin: 16px; position: relative }}
h1 {{ font-size: 18px; margin: 0 0 10px }} h2 {{ font-size: 12px; margin: 6px 8px }}
main {{ position: relative }} section {{ position: absolute; background: #181b1f; border: 1px solid #2c3235; border-radius: 2px; overflow: hidden; display: flex; flex-direction: column }}
.tiles {{ flex: 1; display: flex; gap: 4px; padding: 0 6px 6px }} .tile {{ flex: 1; display: flex; flex-direction: column; align-items: center; justify-content: center; font-size: 24px; font-weight: bold; border-radius: 3px }}
small {{ font-size: 15px }} table {{ border-collapse: collapse; margin: 0 8px; white-space: nowrap; font-size: 11px }} th {{ text-align: left; color: #6e9fff }} td, th {{ padding: 7px 6px; border-bottom: 1px solid #2c3235 }}
text {{ fill: #9fa7b3; font-size: 10px }} .keys {{ padding: 0 8px }} .keys span {{ margin-right: 12px }} .keys b {{ display: inline-block; width: 10px; height: 4px; margin: 0 4px 2px 0 }}
</style><h1>{html.escape(self.board["title"])}</h1><main>{"".join(out)}</main>"""


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        print(Board(json.load(file), sys.argv[2], int(sys.argv[3])).page())
