#!/usr/bin/env python3
"""Every alert has what a person needs at night: a severity, a summary, what to do, and a section to read. Every alert is
tested, and the metrics of all rules are in the catalogue."""

import re
import sys
from pathlib import Path

from dashboards import FOREIGN, ROOT, catalogue, metric_names, mixed_up

rules = "\n".join(path.read_text() for path in sorted((ROOT / "prometheus/rules").glob("*.yml")))
tests = "\n".join(path.read_text() for path in sorted((ROOT / "prometheus/tests").glob("*.yml")))
guide = ROOT / "docs/alerts.md"
known = catalogue()
faults = sorted(mixed_up(re.sub(r"#.*", "", rules)))

sections = None
if guide.exists():
    headings = re.findall(r"^#+ (.*)$", guide.read_text(), re.M)
    sections = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
blocks = re.split(r"^      - alert: ", rules, flags=re.M)[1:]
for block in blocks:
    name = block.split("\n", 1)[0]
    block = block.split("\n      - ", 1)[0]
    for what in ("labels: {severity: ", "summary: ", "description: ", "runbook_url: https://"):
        if what not in block:
            faults.append(f"{name} has no {what.strip(': {')}")
    anchor = re.search(r"alerts\.md#([\w-]+)", block)
    if anchor and sections is not None and anchor[1] not in sections:
        faults.append(f"{name}: docs/alerts.md has no section {anchor[1]}")
    if not re.search(rf"\b{name}\b", tests) and not any(re.search(rf"\b{g}\b", name) for g in re.findall(r"Avalon\([\w|]+\)\w*", tests)):
        faults.append(f"{name} has no test")

records = set(re.findall(r"- record: (\S+)", rules))
for expr in re.findall(r"expr: (?:>-\n)?((?:.*\n)(?:^ {10,}.*\n)*)", rules, re.M):
    for name in metric_names(re.sub(r"#.*", "", expr)):
        if name not in known | records and not FOREIGN.fullmatch(name):
            faults.append(f"{name} is in no catalogue")

print("\n".join(faults) or f"{len(blocks)} alerts: each says what to do and is tested")
sys.exit(bool(faults))
