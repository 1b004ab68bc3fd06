"""From short descriptions to Grafana's classic dashboard JSON: what every panel has in common is said here once.

The output follows @grafana/schema 13.2.3, the version of the image in compose.yaml; .ci/stack/ checks it against that
package. It is the classic schema and not v2, because Grafana's file provisioning takes no other.
"""

GRAFANA = "13.2.3"
GRID = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#808080"
NEUTRAL = GREY
NAN = "nan"

# A number below all that a query yields, for a colour that holds for every number but not for none.
ANY = -1e12


def query(expr, legend="", instant=False, table=False):
    """One PromQL expression. What shows a number asks for this moment alone: a query over the range would go on showing the
    last number of a miner that is down. `instant=False, table=True` is for XY charts."""
    return {
        "datasource": DATASOURCE,
        "expr": expr,
        "legendFormat": legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if table else "time_series",
    }


def steps(*pairs):
    """Thresholds as (colour, from) pairs. Below the first there is a neutral colour, which Grafana gives to a number that is
    not there: neither red nor green because there is nothing to say."""
    return {"mode": "absolute", "steps": [{"color": NEUTRAL, "value": None}] + [{"color": c, "value": v} for c, v in pairs]}


def names(table):
    """Value mappings: {number: (text, colour)}; NAN is a number too."""
    made = []
    options = {str(k): {"text": text, "color": colour, "index": i} for i, (k, (text, colour)) in enumerate(table.items()) if k != NAN}
    if options:
        made.append({"type": "value", "options": options})
    if NAN in table:
        text, colour = table[NAN]
        made.append({"type": "special", "options": {"match": NAN, "result": {"text": text, "color": colour, "index": len(options)}}})
    return made


def override(field, **properties):
    """Properties of one field of a table; `_` in a name stands for `.` of Grafana's id."""
    ids = [{"id": k.replace("_", "."), "value": v} for k, v in properties.items()]
    return {"matcher": {"id": "byName", "options": field}, "properties": ids}


LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
TOOLTIP = {"mode": "multi", "sort": "desc"}
# Not lastNotNull, which would skip NaN, the mark of a miner that is down.
REDUCE = {"calcs": ["last"], "fields": "", "values": False}

CUSTOM = {
    "timeseries": {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 10,
        "showPoints": "auto",
        "spanNulls": False,
        "axisSoftMin": 0,
    },
    "state-timeline": {"lineWidth": 0, "fillOpacity": 80},
    "table": {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
    "xychart": {"show": "points", "pointSize": {"fixed": 4}, "pointShape": "circle", "fillOpacity": 50},
}
OPTIONS = {
    "timeseries": {"legend": LEGEND, "tooltip": TOOLTIP},
    "stat": {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": REDUCE,
        "showPercentChange": False,
        "textMode": "auto",
        "wideLayout": True,
    },
    "gauge": {"reduceOptions": REDUCE, "orientation": "auto", "showThresholdLabels": False, "showThresholdMarkers": True},
    "state-timeline": {
        "alignValue": "left",
        "legend": {**LEGEND, "showLegend": False},
        # With colours by threshold, merging looks at thresholds alone and takes all mapped values for one.
        "mergeValues": False,
        "perPage": 12,
        "rowHeight": 0.8,
        "showValue": "never",
        "tooltip": TOOLTIP,
    },
    "table": {"cellHeight": "sm", "frameIndex": 0, "showHeader": True},
    "xychart": {"legend": LEGEND, "tooltip": {"mode": "single", "sort": "none"}, "mapping": "auto", "series": []},
    "text": {"mode": "markdown", "content": ""},
}
COLOUR = {"timeseries": "palette-classic", "xychart": "palette-classic"}

# Headings of columns that are labels.
HEADINGS = {"miner": "Miner", "ip": "Address", "pool_index": "Pool", "url": "URL", "work_mode": "Mode", "model": "Model", "prod": "Product",
            "firmware": "Firmware", "cgminer": "CGMiner", "api": "API", "hwtype": "Hardware", "swtype": "Software", "mac": "MAC", "dna": "DNA"}
# Columns that are only there for links: as Grafana 13 hides them, and as 12 does.
HIDDEN = {"custom_hideFrom": {"viz": True, "legend": False, "tooltip": False}, "custom_hidden": True}


def panel(kind, title, about, *queries, unit="short", w=6, h=8, thresholds=None, mappings=(), overrides=(), options=(), custom=(),
          transformations=(), links=(), interval=None, **defaults):
    """A panel without its place. A query is what `query` makes, or an (expression, legend) pair; `defaults` go into the
    field configuration as they are (min, max, decimals)."""
    instant = kind in ("table", "stat", "gauge")
    targets = [q if isinstance(q, dict) else query(*q, instant=instant, table=kind == "table") for q in queries]
    for i, target in enumerate(targets):
        target["refId"] = chr(ord("A") + i)
    field = {
        "unit": unit,
        "color": {"mode": COLOUR.get(kind, "thresholds")},
        "thresholds": thresholds or steps(),
        "mappings": list(mappings),
        **defaults,
    }
    if kind in CUSTOM:
        field["custom"] = {k: v for k, v in {**CUSTOM[kind], **dict(custom)}.items() if v is not None}
    if links:
        field["links"] = list(links)
    made = {
        "type": kind,
        "title": title,
        "description": about,
        "gridPos": {"w": w, "h": h},
        "options": {**OPTIONS[kind], **dict(options)},
        "pluginVersion": GRAFANA,
    }
    if kind != "text":
        made |= {"datasource": DATASOURCE, "targets": targets, "fieldConfig": {"defaults": field, "overrides": list(overrides)}}
    if transformations:
        made["transformations"] = [{"id": i, "options": o} for i, o in transformations]
    if interval:
        made["interval"] = interval
    return made


def series(title, about, *queries, w=12, **more):
    """Curves over time."""
    return panel("timeseries", title, about, *queries, w=w, **more)


def stat(title, about, expr, legend="", w=4, h=4, none="–", **more):
    """The number of this moment, large, its colour by threshold; `none` is what is shown where there is no number."""
    return panel("stat", title, about, (expr, legend), w=w, h=h, noValue=none, **more)


def table(title, about, columns, first=("miner", "ip"), last=(), w=24, overrides=(), **more):
    """A row for each miner; columns are (expression, header) pairs, and the labels `first` and `last` come before and after
    them, as texts: Grafana would format what looks like a number. Rows are the same where all labels that the queries have in
    common are the same, so every expression must be `named`. Site and instance are there for links, and not shown. An empty
    header hides the query's value."""
    values = [(f"Value #{chr(ord('A') + i)}" if len(columns) > 1 else "Value", header) for i, (_, header) in enumerate(columns)]
    order = [*first, *[name for name, _ in values], *last]
    texts = [override(name, unit="string") for name in (*first, *last)]
    hidden = [override(name, **HIDDEN) for name in ("site", "instance")]
    return panel(
        "table", title, about, *[(expr, "") for expr, _ in columns], w=w, overrides=[*texts, *hidden, *overrides],
        transformations=[
            ("merge", {}),
            ("organize", {
                "excludeByName": {"Time": True} | {name: True for name, header in values if not header},
                "renameByName": {name: HEADINGS[name] for name in (*first, *last)} | {name: header for name, header in values if header},
                "indexByName": {name: i for i, name in enumerate(order)},
            }),
        ], **more)


def text(content, w=24, h=3):
    """Words."""
    return panel("text", "", "", w=w, h=h, options={"content": content})


def variable(name, label, definition, all_value=None, regex="", sort=7):
    """A variable whose values are asked of Prometheus. With a value for All it takes several and starts with All; else it
    takes one and starts with the first. The values of a query_result are what the regular expression finds in its lines.
    Sorted naturally, unless told to keep the order: 0."""
    made = {
        "type": "query", "name": name, "label": label, "datasource": DATASOURCE, "definition": definition,
        "query": {"qryType": 3 if definition.startswith("query_result") else 1, "query": definition, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2, "sort": sort, "multi": all_value is not None, "includeAll": all_value is not None, "options": [], "hide": 0,
        "regex": regex, "skipUrlSync": False,
    }
    if all_value:
        made |= {"allValue": all_value, "current": {"text": ["All"], "value": ["$__all"]}}
    return made


def typed(name, label, value, about):
    """A variable that its reader types in."""
    return {
        "type": "textbox", "name": name, "label": label, "description": about, "query": value, "hide": 0, "skipUrlSync": False,
        "current": {"text": value, "value": value}, "options": [{"text": value, "value": value, "selected": True}],
    }


def annotation(name, colour, expr, title, details):
    """Marks in all curves where the expression has a sample above 0: Grafana drops those that are 0."""
    return {
        "name": name, "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": colour, "expr": expr, "step": "1m",
        "titleFormat": title, "textFormat": details, "useValueForTime": False,
    }


def row(title, panels, collapsed=False):
    """Panels under a heading."""
    return {"title": title, "panels": panels, "collapsed": collapsed}


def dashboard(uid, title, about, variables, rows, marks=(), since="now-6h", refresh="30s"):
    """The whole file. Panels fill the grid's lines from the left, in the order given."""
    placed, number, y = [], 0, 0

    def place(panels):
        nonlocal number, y
        x = tallest = 0
        for one in panels:
            w, h = one["gridPos"]["w"], one["gridPos"]["h"]
            if x + w > GRID:
                x, y, tallest = 0, y + tallest, 0
            number += 1
            yield one | {"id": number, "gridPos": {"x": x, "y": y, "w": w, "h": h}}
            x, tallest = x + w, max(tallest, h)
        y += tallest

    for one in rows:
        if one["title"]:
            number += 1
            heading = {"type": "row", "id": number, "title": one["title"], "collapsed": one["collapsed"],
                       "gridPos": {"x": 0, "y": y, "w": GRID, "h": 1}, "panels": []}
            y += 1
            placed.append(heading)
        inside = list(place(one["panels"]))
        if one["collapsed"]:
            heading["panels"] = inside
        else:
            placed += inside

    source = {
        "type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "refresh": 1, "regex": "", "hide": 0,
        "multi": False, "includeAll": False, "options": [], "skipUrlSync": False,
    }
    links = {
        "type": "dashboards", "title": "Miners", "tags": ["avalon"], "asDropdown": True, "includeVars": True, "keepTime": True,
        "targetBlank": False, "icon": "external link", "tooltip": "The other dashboards", "url": "",
    }
    return {
        "uid": uid, "title": title, "description": about, "tags": ["avalon"], "schemaVersion": 41, "version": 1, "editable": True,
        "timezone": "browser", "graphTooltip": 1, "fiscalYearStartMonth": 0, "refresh": refresh, "time": {"from": since, "to": "now"},
        "timepicker": {}, "links": [links], "annotations": {"list": list(marks)}, "templating": {"list": [source, *variables]}, "panels": placed,
    }
