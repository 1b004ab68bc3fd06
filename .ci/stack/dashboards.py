#!/usr/bin/env python3
"""Checks of grafana/dashboards/*.json.

    dashboards.py static                 what the files alone show
    dashboards.py live http://HOST:PORT  every query against a Prometheus that has scraped the demo for some minutes
    dashboards.py typescript             prints a program that tsc accepts if the files fit @grafana/schema

`live` fails for a query that finds nothing, unless EMPTY names its panel, and for a panel of EMPTY that finds something
in a way that makes its entry needless.
"""

import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "grafana/dashboards").glob("*.json"))
OLD_NAMES = Path(__file__).parent / "python-exporter-names.txt"

# Metrics of others: Prometheus itself, and the exporters that prometheus/targets.d has examples for.
FOREIGN = re.compile(
    r"up|scrape_(samples_scraped|duration_seconds)|prometheus_tsdb_head_(series|samples_appended_total)"
    r"|nvidia_smi_(power_draw_watts|temperature_gpu|utilization_gpu_ratio)|DCGM_FI_DEV_(POWER_USAGE|GPU_TEMP|GPU_UTIL)"
    r"|ethermine_miner_(hashrate_(current|average|reported)_hps|shares_(valid|stale|invalid)|balance_unpaid_coins)")

# Panels, or queries of a panel by their number, that may find nothing, and why.
EMPTY = {
    "fleet/Miners/2": "why: only while a miner is down",
    "fleet/Miners/3": "down for: only while a miner is down",
    **{f"exporter/Failed polls/{i}": "only while polls fail" for i in range(2, 7)},
}

# What Grafana would fill in for its own variables. The range of bars by the day is longer: panels with an interval of a day.
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "15m", "__range_s": "900"}
RANGE_SECONDS = 900
DAYS = {"__range_s": "172800"}

# The colour of what is not there.
NEUTRAL = "#808080"


def catalogue():
    """Names of all metrics of the exporter."""
    sources = [*ROOT.glob("src/metrics/*.rs")]
    return {name for path in sources for name in re.findall(r'(?:gauge|counter)\(\s*"(\w+)"', path.read_text())}


def panels(board):
    """All panels with queries or words, those of collapsed rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def defaults(board):
    """Variable -> its value at first sight."""
    values = dict(BUILT_IN)
    for variable in board["templating"]["list"]:
        name = variable["name"]
        if variable["type"] == "textbox":
            values[name] = variable["query"]
        elif variable["type"] == "query":
            values[name] = variable.get("allValue") or ".+"
    return values


def fill(expr, values):
    """The expression with its variables replaced."""
    return re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda m: values[m[1]], expr)


def metric_names(expr):
    """Names of metrics in an expression: identifiers that are no function, keyword, label or string."""
    expr = re.sub(r'"(\\.|[^"\\])*"', '""', expr)
    expr = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", expr)
    expr = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", expr)
    words = re.findall(r"[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()", re.sub(r"(?<!\w)\d[\w.]*", " ", expr))
    return {w for w in words if "_" in w or w == "up"}


def mixed_up(expr):
    """Groupings and joins that take miners of two homes, or of two exporters, for one; and exporters known by a job's name."""
    found = set()
    for clause in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expr):
        labels = {label.strip() for label in clause.split(",")} - {""}
        if "ip" in labels and not {"site", "instance"} <= labels or "instance" in labels and "site" not in labels:
            found.add(f"({clause}) is no key: every home has a 192.168.1.50")
    if re.search(r'\bjob\s*=', expr):
        found.add("an exporter is known by what it serves, and its job may have any name")
    return found


def undrawn(mark):
    """Marks whose samples are 0 where it is time for one: Grafana drops them. Their value is that of what `and` filters."""
    value = re.split(r"\b(?:and|unless)\b", mark["expr"])[0]
    return {"its samples are 0"} if "== 0" in value and ") + 1" not in mark["expr"] else set()


def names_of(panel):
    """What the fields of a table are called before transformations: labels that the queries may leave, and values."""
    labels = {label.strip() for target in panel["targets"] for clause in re.findall(r"\b(?:by|group_left)\s*\(([^)]*)\)", target["expr"]) for label in clause.split(",")}
    single = len(panel["targets"]) == 1
    return labels | {"Time"} | ({"Value"} if single else {f"Value #{target['refId']}" for target in panel["targets"]})


def unforgiven(panel):
    """What Grafana takes without a word, and shows something else than was meant."""
    kind, options, field = panel["type"], panel["options"], panel.get("fieldConfig", {"defaults": {}, "overrides": []})
    defaults, overrides = field["defaults"], field["overrides"]
    thresholds = [defaults.get("thresholds")] + [one["value"] for rule in overrides for one in rule["properties"] if one["id"] == "thresholds"]
    if any(one and (one["steps"][0]["color"] != NEUTRAL or one["steps"][0]["value"] is not None) for one in thresholds):
        yield "the lowest threshold has a colour that says something, and Grafana gives it to what is not there"
    if kind == "state-timeline" and options["mergeValues"]:
        yield "mergeValues makes one of all values that have the same threshold, whatever their mappings"
    if kind in ("stat", "gauge", "table") and any(target["range"] or not target["instant"] for target in panel["targets"]):
        yield "a query over a range shows the last number of a miner that is down as if it were of now"
    if kind in ("stat", "gauge"):
        if options["reduceOptions"]["calcs"] != ["last"]:
            yield "the reducer skips NaN, which means down"
        if not defaults.get("noValue"):
            yield "nothing is said where there is no number"
    organized = [one["options"] for one in panel.get("transformations", []) if one["id"] == "organize"]
    parted = any(one["id"] == "partitionByValues" for one in panel.get("transformations", []))
    if organized:
        known = names_of(panel)
        shown = known | {name for one in organized for name in one["renameByName"].values()}
        asked = {name for one in organized for what in ("excludeByName", "renameByName", "indexByName") for name in one[what]}
        if asked - known:
            yield f"no field is called {', '.join(sorted(asked - known))} before the transformations"
        named = {rule["matcher"]["options"] for rule in overrides} | {axis["matcher"]["options"] for one in options.get("series", []) for axis in one.values()}
        # Parts call their fields by the part and the new name together.
        if named - (known if parted else shown):
            yield f"no field is called {', '.join(sorted(named - (known if parted else shown)))} after the transformations"
    if kind == "table":
        units = {rule["matcher"]["options"]: one["value"] for rule in overrides for one in rule["properties"] if one["id"] == "unit"}
        texts = {name for one in organized for name in one["renameByName"] if not name.startswith("Value")}
        for name in sorted(texts):
            if units.get(name) != "string":
                yield f"{name} is a text, and would be written as a number where it looks like one"


def static():
    """All faults that need no Prometheus."""
    known = catalogue()
    faults, uids = [], {}
    for path in FILES:
        board = json.loads(path.read_text())
        uids[board["uid"]] = path.name
    for path in FILES:
        board = json.loads(path.read_text())
        text = path.read_text()
        def fault(what, name=path.name):
            faults.append(f"{name}: {what}")
        everything = [p for p in board["panels"]] + [q for p in board["panels"] for q in p.get("panels", [])]
        ids = [p["id"] for p in everything]
        if len(ids) != len(set(ids)):
            fault("panel ids are not unique")
        cells = {}
        for panel in everything:
            g = panel["gridPos"]
            if g["x"] + g["w"] > 24:
                fault(f"{panel['title']} leaves the grid")
            for x in range(g["x"], g["x"] + g["w"]):
                for y in range(g["y"], g["y"] + g["h"]):
                    other = cells.setdefault((x, y), panel["title"])
                    if other != panel["title"] or cells[(x, y)] is not other:
                        fault(f"{panel['title']} lies on {other}")
        for what in mixed_up(text):
            fault(what)
        for mark in board["annotations"]["list"]:
            for what in mixed_up(mark["expr"]) | undrawn(mark):
                fault(f"mark {mark['name']}: {what}")
        for variable in board["templating"]["list"]:
            # The board of one miner; those of many call theirs `miners`.
            if variable["name"] == "miner" and (variable["multi"] or variable["includeAll"]):
                fault("several miners can be chosen where one is readable")
        for panel in panels(board):
            for what in unforgiven(panel):
                fault(f"{panel['title']}: {what}")
            if panel["type"] != "text" and not panel.get("description"):
                fault(f"{panel['title']} has no description")
            for target in panel.get("targets", []):
                for name in metric_names(fill(target["expr"], defaults(board))):
                    if name not in known and not FOREIGN.fullmatch(name):
                        fault(f"{panel['title']}: {name} is in no catalogue")
        for variable in board["templating"]["list"]:
            uses = len(re.findall(r"\$\{?" + variable["name"] + r"\b", text))
            if not uses:
                fault(f"variable {variable['name']} is not used")
        for used in set(re.findall(r"\$\{?(\w+)", text)):
            if used not in defaults(board) and used != "datasource" and not used.startswith("__") and not used.isdigit():
                fault(f"variable {used} is not defined")
        for uid in re.findall(r'/d/([\w-]+)', text):
            if uid not in uids:
                fault(f"link to {uid}, which is no dashboard")
    for folder in ("datasources", "dashboards", "plugins", "alerting"):
        if not list((ROOT / "grafana/provisioning" / folder).glob("*.yml")):
            faults.append(f"provisioning/{folder} is missing, which Grafana reports as an error at each start")
    if len(uids) != len(FILES):
        faults.append("dashboard uids are not unique")
    return faults


def ask(base, path, **parameters):
    """A query to Prometheus's API."""
    try:
        with urllib.request.urlopen(f"{base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as reply:
            return json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None


def run(base, target, values, now, step=15):
    """The series that a target of a panel finds, as Grafana would ask."""
    expr = fill(target["expr"], values)
    if target.get("instant"):
        return ask(base, "query", query=expr, time=now)["result"]
    start, end = (int(now - RANGE_SECONDS) // step * step, int(now) // step * step)
    return ask(base, "query_range", query=expr, start=start, end=end, step=step)["result"]


def every_choice(base, board):
    """Values of the variables: one set, or one for each miner where only one can be chosen."""
    values = defaults(board)
    if any(variable["name"] == "miner" for variable in board["templating"]["list"]):
        up = [series["metric"] for series in ask(base, "query", query="avalon_up")["result"]]
        return [values | {"site": one.get("site", "()"), "instance": one["instance"], "miner": one["ip"]} for one in up]
    return [values]


def live(base):
    """All queries that fail or find nothing, and annotations and variables that do not parse."""
    faults, count, now = [], 0, time.time()
    for path in FILES:
        board = json.loads(path.read_text())
        choices = every_choice(base, board)
        values = choices[0]
        for panel in panels(board):
            step, more = (86400, DAYS) if panel.get("interval") == "1d" else (15, {})
            for number, target in enumerate(panel.get("targets", []), 1):
                count += 1
                keys = {f"{path.stem}/{panel['title']}", f"{path.stem}/{panel['title']}/{number}"} & set(EMPTY)
                try:
                    found = [series for chosen in choices for series in run(base, target, chosen | more, now, step)]
                    numbers = [v[1] for s in found for v in s.get("values", [s.get("value")]) if v[1] not in ("NaN", "+Inf", "-Inf")]
                except ValueError as error:
                    faults.append(f"{path.name}: {panel['title']}/{number}: {error}\n    {fill(target['expr'], values)}")
                    continue
                if not numbers and not keys:
                    faults.append(f"{path.name}: {panel['title']}/{number} finds nothing\n    {fill(target['expr'], values)}")
        for mark in board["annotations"]["list"]:
            count += 1
            try:
                run(base, mark, values, now)
            except ValueError as error:
                faults.append(f"{path.name}: annotation {mark['name']}: {error}")
        for variable in board["templating"]["list"]:
            match = re.fullmatch(r"(label_values|query_result)\((.*)\)", variable.get("definition", ""))
            # The demo is of one home, without a label.
            if match and variable["name"] not in ("site", "sites"):
                count += 1
                what, asked = match[1], fill(match[2], values)
                if what == "label_values":
                    metric, label = asked.rsplit(", ", 1)
                    found = ask(base, f"label/{label}/values", **{"match[]": metric})
                else:
                    found = ask(base, "query", query=asked)["result"]
                if not found:
                    faults.append(f"{path.name}: variable {variable['name']} has no values")
    for name in OLD_NAMES.read_text().split():
        count += 1
        if not ask(base, "query", query=name)["result"]:
            faults.append(f"{name} of the Python project's dashboard finds nothing")
    return faults, count


TYPESCRIPT = """
import type {{ Dashboard, Panel }} from '@grafana/schema';
{imports}
// JSON has the text of an enum's member where TypeScript wants the member.
type Plain<T> = T extends string ? `${{T}}` : T extends number ? `${{T}}` extends `${{infer N extends number}}` ? N : T
  : T extends Array<infer E> ? Array<Plain<E>> : T extends object ? {{ [K in keyof T]: Plain<T[K]> }} : T;
type Options = {{ {options} }};
type Fields = {{ {fields} }};
type Config = Plain<NonNullable<Panel['fieldConfig']>>;
type One<K extends keyof Options> = Omit<Plain<Panel>, 'options' | 'fieldConfig' | 'type'> & {{
  type: K;
  options: Plain<Partial<Options[K]>>;
  fieldConfig: {{ overrides: Config['overrides']; defaults: Omit<Config['defaults'], 'custom'> & {{ custom?: K extends keyof Fields ? Plain<Partial<Fields[K]>> : never }} }};
}};
// Grafana writes `definition` into query variables, but its schema leaves it out; an annotation's query is its data source's own.
type Variable = Plain<NonNullable<NonNullable<Dashboard['templating']>['list']>[number]> & {{ definition?: string }};
type Whole = Omit<Plain<Dashboard>, 'templating' | 'annotations'> & {{ templating: {{ list: Variable[] }}; annotations: {{ list: Array<Mark> }} }};
type Mark = Plain<NonNullable<NonNullable<Dashboard['annotations']>['list']>[number]> & {{ expr: string; step: string; titleFormat: string; textFormat: string; useValueForTime: boolean }};
{checks}
"""


def typescript():
    """A TypeScript program with every panel as a literal of its type: tsc finds unknown keys and wrong values."""
    kinds = {"timeseries": "timeseries", "stat": "stat", "gauge": "gauge", "table": "table", "state-timeline": "statetimeline", "xychart": "xychart"}
    with_fields = {"timeseries", "table", "state-timeline", "xychart"}
    def at(kind):
        return "T" + kinds[kind]
    imports = "\n".join(f"import type * as {at(k)} from './node_modules/@grafana/schema/dist/types/raw/composable/{v}/panelcfg/x/types.gen';" for k, v in kinds.items())
    checks = []
    for n, path in enumerate(FILES):
        board = json.loads(path.read_text())
        for panel in panels(board):
            checks.append(f"const p{n}_{panel['id']}: One<'{panel['type']}'> = {json.dumps(panel)};")
        rest = board | {"panels": [p | {"panels": []} for p in board["panels"] if p["type"] == "row"]}
        checks.append(f"const d{n}: Whole = {json.dumps(rest)};")
    return TYPESCRIPT.format(
        imports=imports, options=" ".join(f"'{k}': {at(k)}.Options;" for k in kinds), fields=" ".join(f"'{k}': {at(k)}.FieldConfig;" for k in with_fields),
        checks="\n".join(checks))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["static"]:
            found = static()
            print("\n".join(found) or f"{len(FILES)} dashboards: files are well")
        case ["live", base]:
            found, count = live(base)
            print("\n".join(found) or "", f"\n{count - len(found)} of {count} queries find data, or may be empty")
        case ["typescript"]:
            print(typescript())
            found = []
        case _:
            sys.exit(__doc__)
    sys.exit(bool(found))
