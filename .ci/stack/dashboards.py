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
CATALOGUE = ROOT / "src/metrics/catalogue.rs"
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
}

# What Grafana would fill in for its own variables.
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "15m"}
RANGE_SECONDS = 900


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


def static():
    """All faults that need no Prometheus."""
    known = set(re.findall(r'(?:gauge|counter)\("(\w+)"', CATALOGUE.read_text()))
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
        for panel in panels(board):
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


def live(base):
    """All queries that fail or find nothing, and annotations and variables that do not parse."""
    faults, count, now = [], 0, time.time()
    for path in FILES:
        board = json.loads(path.read_text())
        values = defaults(board)
        for panel in panels(board):
            step = 86400 if panel.get("interval") == "1d" else 15
            for number, target in enumerate(panel.get("targets", []), 1):
                count += 1
                keys = {f"{path.stem}/{panel['title']}", f"{path.stem}/{panel['title']}/{number}"} & set(EMPTY)
                try:
                    found = run(base, target, values, now, step)
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
            if match := re.fullmatch(r"label_values\((?:(.*), )?(\w+)\)", variable.get("definition", "")):
                count += 1
                found = ask(base, f"label/{match[2]}/values", **({"match[]": fill(match[1], values)} if match[1] else {}))
                if not found and f"{path.stem}/variable {variable['name']}" not in EMPTY:
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
