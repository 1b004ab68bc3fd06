#!/usr/bin/env python3
"""What silences what, in a real Alertmanager with the project's settings: inhibit.py http://HOST:PORT

Every home has a 192.168.1.50, so a cause must silence its consequences at the same miner, and nothing at another.
"""

import json
import sys
import time
import urllib.request

HOME = {"site": "home", "instance": "192.168.1.50", "ip": "192.168.1.50"}
COTTAGE = HOME | {"site": "cottage"}
SECOND = {"instance": "pi:9100", "ip": "192.168.1.50"}

# Cause, consequence.
PAIRS = [
    ("AvalonMinerDown", "AvalonPollErrors"),
    ("AvalonAllPoolsDead", "AvalonNoShares"),
    ("AvalonMinerFrozen", "AvalonHashRateLow"),
    ("AvalonDangerouslyHot", "AvalonTooHot"),
]


def ask(base, path, body=None):
    """A call of Alertmanager's API."""
    request = urllib.request.Request(f"{base}/api/v2/{path}", data=json.dumps(body).encode() if body else None, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.loads(reply.read() or "null")


def silenced(base, causes, consequences):
    """Which consequences the causes silence, given all together."""
    # Causes first: Alertmanager looks at them when a consequence is due.
    for labels in (causes, consequences):
        ask(base, "alerts", [{"labels": one} for one in labels])
    time.sleep(2)
    found = {json.dumps(alert["labels"], sort_keys=True): alert["status"]["state"] for alert in ask(base, "alerts")}
    return [labels for labels in consequences if found[json.dumps(labels, sort_keys=True)] == "suppressed"]


def main(base):
    faults = []
    for cause, consequence in PAIRS:
        wanted = [{"alertname": consequence} | HOME]
        found = silenced(base, [{"alertname": cause} | HOME], wanted + [{"alertname": consequence} | place for place in (COTTAGE, SECOND)])
        if found != wanted:
            faults.append(f"{cause} at home silences {found}")
    # Last, since it silences what is above.
    exporter = {key: HOME[key] for key in ("site", "instance")}
    wanted = [{"alertname": "AvalonFilterDue"} | HOME]
    found = silenced(base, [{"alertname": "AvalonExporterDown"} | exporter], wanted + [{"alertname": "AvalonFilterDue"} | place for place in (COTTAGE, SECOND)])
    if found != wanted:
        faults.append(f"AvalonExporterDown at home silences {found}")
    groups = ask(base, "alerts/groups")
    if any(len({tuple(alert["labels"].get(label) for label in ("site", "instance", "ip")) for alert in group["alerts"]}) > 1 for group in groups):
        faults.append("a message is about more than one miner")
    print("\n".join(faults) or f"{len(PAIRS) + 1} causes silence their consequences at the same miner alone")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
