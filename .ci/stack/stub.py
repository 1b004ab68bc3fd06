#!/usr/bin/env python3
"""Stands in for what no package registry has: stub.py ADDRESS LOG [PORT...]

Serves the pages of other exporters in pages/ on the ports that prometheus/targets.d/*.example give them, and takes
Alertmanager's webhooks on port 9999, one line of LOG for each alert; or only on the ports named.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

FOLDER = Path(__file__).parent / "pages"
WALLET = "0x" + "0" * 40
PAGES = {
    9835: ("/metrics", "nvidia_gpu_exporter", {}),
    9400: ("/metrics", "dcgm-exporter", {}),
    8080: ("/miner", "ethermine-miner", {"pool": ["ethermine"], "target": [WALLET]}),
}


class Stub(BaseHTTPRequestHandler):
    def do_GET(self):
        path, name, query = PAGES[self.server.server_port]
        url = urlparse(self.path)
        good = url.path == path and parse_qs(url.query) == query
        body = (FOLDER / f"{name}.prom").read_bytes() if good else b"the path or the parameters are wrong\n"
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[2], "a") as log:
            for alert in message["alerts"]:
                labels = alert["labels"]
                print(alert["status"], labels["alertname"], labels.get("ip", "-"), alert["annotations"]["summary"], file=log)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


for port in [int(port) for port in sys.argv[3:]] or [*PAGES, 9999]:
    threading.Thread(target=ThreadingHTTPServer((sys.argv[1], port), Stub).serve_forever).start()
