#!/usr/bin/env python3
"""What the panels show of worlds whose answers are known.

    known.py blocks DIRECTORY PROMTOOL                        writes the worlds for a Prometheus to serve
    known.py check http://HOST:PORT DIRECTORY-WITH-NODE-MODULES   asks it as Grafana would, and compares with answers.py
    known.py show http://HOST:PORT DIRECTORY WORLD BOARD      prints what is shown

Text and colour are those of Grafana's own code: shown.cjs.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import answers
import world
from dashboards import FILES, ask, defaults, fill, metric_names, panels

RANGE, STEP = 3600, 60
BOARDS = {path.stem: json.loads(path.read_text()) for path in FILES}
# What Grafana fills in for a time range of an hour and a scrape each minute.
TIMES = {"__range": f"{RANGE}s", "__range_s": str(RANGE), "__interval": f"{STEP}s", "__rate_interval": "4m"}


def expressions():
    """All that is asked of Prometheus."""
    for board in BOARDS.values():
        for panel in panels(board):
            yield from (target["expr"] for target in panel.get("targets", []))
        yield from (mark["expr"] for mark in board["annotations"]["list"])


def wanted():
    """The families that are asked for. What their names are made of is left to a regular expression."""
    filled = {name for expr in expressions() for name in metric_names(re.sub(r"\$\{?\w+\}?", "1", expr))}
    return filled | {"up"}


def values(board, chosen):
    """Variable -> value."""
    return defaults(BOARDS[board]) | TIMES | chosen


def query(base, target, variables, end):
    """What a target of a panel finds."""
    expr = fill(target["expr"], variables)
    if target.get("instant"):
        return ask(base, "query", query=expr, time=end)["result"]
    return ask(base, "query_range", query=expr, start=end - RANGE, end=end, step=STEP)["result"]


def show(base, modules, asked):
    """What Grafana shows, for (world, board, panel, variables) each."""
    requests = []
    for name, board, panel, chosen in asked:
        variables = values(board, chosen)
        try:
            requests.append({"panel": panel, "results": [query(base, target, variables, world.END[name]) for target in panel["targets"]]})
        except ValueError as error:
            sys.exit(f"{name}/{board}/{panel['title']}: {error}")
    node = subprocess.run(["node", Path(__file__).parent / "shown.cjs", modules], input=json.dumps(requests), capture_output=True, text=True)
    if node.returncode:
        sys.exit(node.stderr)
    return json.loads(node.stdout)


def all_panels(board):
    """Title -> panel; a title that is there twice gets the kind behind it the second time."""
    titled = {}
    for panel in panels(BOARDS[board]):
        titled[panel["title"] if panel["title"] not in titled else f"{panel['title']}, {panel['type']}"] = panel
    return titled


def plain(shown):
    """Without the title, where there is one number alone."""
    if isinstance(shown, list) and len(shown) == 1 and len(shown[0]) == 3 and isinstance(shown[0], list):
        return shown[0][1:]
    return shown


def fits(wanted, found):
    """Whether all that is wanted is there; rows and curves may have more columns and names than are named, but not more rows."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(key in found and fits(value, found[key]) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(fits(a, b) for a, b in zip(wanted, found))
    return wanted == found


def in_order(shown):
    """Prometheus gives instant vectors in no order."""
    return sorted(shown, key=lambda one: json.dumps(one, ensure_ascii=False)) if isinstance(shown, list) and shown and isinstance(shown[0], (list, dict)) else shown


def compare(base, modules):
    """Answers that are not the right ones."""
    cases = []
    for (name, board), expected in answers.ANSWERS.items():
        chosen, titled = expected.get("variables", {}), all_panels(board)
        cases += [(name, board, title, titled[title], chosen, answer) for title, answer in expected.items() if title != "variables"]
    found = show(base, modules, [(name, board, panel, chosen) for name, board, _, panel, chosen, _ in cases])
    faults = []
    for (name, board, title, _, _, answer), shown in zip(cases, found):
        if not fits(in_order(answer), in_order(plain(shown))):
            faults.append(f"{name}/{board}/{title}\n    is       {json.dumps(plain(shown), ensure_ascii=False)}\n    and not  {json.dumps(answer, ensure_ascii=False)}")
    return faults, len(cases)


def quiet(base, modules):
    """Tiles that show a number, or a colour that means well or ill, where there is nothing to show."""
    cases = []
    for name, left in answers.NOTHING_BUT.items():
        for board, chosen in (("fleet", {}), ("miner", answers.GARAGE), ("pools", {}), ("money", {}), ("efficiency", {}), ("exporter", {}), ("gpu-and-pool", {})):
            for title, panel in all_panels(board).items():
                if panel["type"] in ("stat", "gauge") and f"{board}/{title}" not in left:
                    cases.append((name, board, title, panel, chosen))
    faults = []
    for (name, board, title, _, _), shown in zip(cases, show(base, modules, [(name, board, panel, chosen) for name, board, _, panel, chosen in cases])):
        if any(re.search(r"\d", text) or colour != "grey" for _, text, colour in shown):
            faults.append(f"{name}/{board}/{title} shows {shown}, though there is nothing to show")
    return faults, len(cases)


def marks(base):
    """Marks that Grafana would draw: samples above 0."""
    there = {(board, mark["name"]) for board, made in BOARDS.items() for mark in made["annotations"]["list"]}
    faults = [f"{board}: what is right for marks {title} is not known" for board, title in there - {key[1:] for key in answers.MARKS}]
    for (name, board, title), expected in answers.MARKS.items():
        [mark] = [mark for mark in BOARDS[board]["annotations"]["list"] if mark["name"] == title]
        found = query(base, mark, values(board, answers.GARAGE if board == "miner" else {}), world.END[name])
        drawn = []
        for series in found:
            times = [world.END[name] - point[0] for point in series["values"] if float(point[1]) > 0]
            if times:
                drawn.append([re.sub(r"\{\{(\w+)\}\}", lambda match: series["metric"].get(match[1], match[1]), mark["titleFormat"]), max(times)])
        if sorted(drawn) != sorted(expected):
            faults.append(f"{name}/{board}: marks {title} are {drawn} and not {expected}")
    return faults, len(answers.MARKS)


def choices(base):
    """Values that variables offer."""
    faults = []
    for (name, board, variable), (chosen, expected) in answers.CHOICES.items():
        [one] = [one for one in BOARDS[board]["templating"]["list"] if one["name"] == variable.split()[0]]
        what, asked = re.fullmatch(r"(\w+)\((.*)\)", one["definition"]).groups()
        asked, end = fill(asked, values(board, chosen)), world.END[name]
        if what == "label_values":
            metric, label = asked.rsplit(", ", 1)
            found = ask(base, f"label/{label}/values", **{"match[]": metric, "start": end - RANGE, "end": end})
        else:
            lines = [",".join(f'{key}="{value}"' for key, value in series["metric"].items()) for series in ask(base, "query", query=asked, time=end)["result"]]
            regex = one["regex"].strip("/").replace("(?<", "(?P<")
            found = [re.search(regex, line)[1] for line in lines]
            found = sorted(found) if one["sort"] else found
        if found != expected:
            faults.append(f"{name}/{board}: {variable} offers {found} and not {expected}")
    return faults, len(answers.CHOICES)


def main():
    match sys.argv[1:]:
        case ["blocks", folder, promtool]:
            world.write(folder, wanted(), promtool)
        case ["check", base, modules]:
            faults, count = [], 0
            for found, number in (compare(base, modules), quiet(base, modules), marks(base), choices(base)):
                faults, count = faults + found, count + number
            print("\n".join(faults) or f"{count} panels, marks and variables show the right answer")
            return bool(faults)
        case ["show", base, modules, name, board, *chosen]:
            titled = all_panels(board)
            chosen = dict(one.split("=", 1) for one in chosen)
            for title, shown in zip(titled, show(base, modules, [(name, board, panel, chosen) for panel in titled.values()])):
                print(f"{title}: {json.dumps(plain(shown), ensure_ascii=False)}")
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
