"""Exporter health: whether the numbers of the other dashboards can be trusted."""

from panels import BLUE, GREEN, RED, YELLOW, annotation, dashboard, row, series, stat, steps
from shared import KINDS, MINER, UP, miner, one

SELF = 'job="avalon"'

BOARD = dashboard(
    "avalon-exporter", "Exporter health", "Whether the numbers of the other dashboards can be trusted: the exporter itself and Prometheus.", [miner],
    [
        row("", [
            stat("Exporter", "Whether Prometheus gets its metrics.", f"up{{{SELF}}}", "{{instance}}", mappings=UP),
            stat("Version", "Of the exporter.", "avalon_exporter_info", "{{version}}", options={"textMode": "name"}, thresholds=steps((BLUE, None))),
            stat("Running for", "Since the exporter's start.", f"time() - process_start_time_seconds{{{SELF}}}", "{{instance}}", unit="s", thresholds=steps((BLUE, None))),
            stat("Failed polls, 1 h", "Of all miners.", f"sum(increase(avalon_scrape_errors_total{{{MINER}}}[1h]))", decimals=0, thresholds=steps((GREEN, None), (YELLOW, 1), (RED, 100))),
            stat("Skipped polls, 1 h", "A poll was still running when the next was due: raise UPDATE_INTERVAL above MINER_TIMEOUT.", f"sum(increase(avalon_polls_skipped_total{{{MINER}}}[1h]))", decimals=0,
                 thresholds=steps((GREEN, None), (YELLOW, 1))),
            stat("Series", "On the exporter's page.", f"scrape_samples_scraped{{{SELF}}}", "{{instance}}", thresholds=steps((BLUE, None))),
        ]),
        row("Polls", [
            series("Duration of a poll", "By miner, failed ones too.", (one.format("avalon_scrape_duration_seconds"), "{{ip}}"), unit="s"),
            series("Failed polls", "A minute, by miner and kind.", *[
                (f"sum by (ip) (rate(avalon_scrape_errors_{kind}_total{{{MINER}}}[$__rate_interval])) * 60 > 0 or on () vector(0)", "{{ip}} " + kind.replace("_", " ")) for kind in KINDS], unit="cpm"),
            series("Duration of a cycle", "From the start of the last complete cycle to the end of its last poll.", ("avalon_poll_cycle_duration_seconds", "{{instance}}"), unit="s", w=8),
            series("Age of the last answer", "Of each miner.", (f"time() - max by (ip) (avalon_last_scrape_timestamp_seconds{{{MINER}}} > 0)", "{{ip}}"), unit="s", w=8),
            series("Skipped and cut", "An hour: polls left out, and series dropped by the limits for a reply.", (f"max by (ip) (increase(avalon_polls_skipped_total{{{MINER}}}[1h]))", "{{ip}} skipped"),
                   (f"max by (ip) (increase(avalon_series_dropped_total{{{MINER}}}[1h]))", "{{ip}} dropped"), w=8),
        ]),
        row("Web server", [
            series("Requests", "A minute, by path and status.", ("sum by (path, code) (rate(avalon_http_requests_total[$__rate_interval])) * 60", "{{path}} {{code}}"), unit="cpm"),
            series("Connections", "A minute: accepted; of those refused, evicted for others or timed out; restarts of the inner server.",
                   ("sum by (result) (rate(avalon_http_connections_total[$__rate_interval])) * 60", "{{result}}"), unit="cpm"),
        ]),
        row("Process", [
            series("Memory", "Resident.", (f"process_resident_memory_bytes{{{SELF}}}", "{{instance}}"), unit="bytes", w=6),
            series("CPU", "Part of one core.", (f"rate(process_cpu_seconds_total{{{SELF}}}[$__rate_interval])", "{{instance}}"), unit="percentunit", w=6),
            series("File descriptors", "Open, of the limit.", (f"process_open_fds{{{SELF}}} / process_max_fds{{{SELF}}}", "{{instance}}"), unit="percentunit", w=6),
            series("Threads", "One a miner, and a few.", (f"process_threads{{{SELF}}}", "{{instance}}"), w=6),
        ]),
        row("Prometheus", [
            series("Duration of a scrape", "Of each target.", ("scrape_duration_seconds", "{{job}} {{instance}}"), unit="s", w=8),
            series("Targets", "Whether each answers.", ("up", "{{job}} {{instance}}"), w=8, max=1),
            series("Series and samples", "Series in memory, and samples taken in a second.", ("prometheus_tsdb_head_series", "series"),
                   ("rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval])", "samples a second"), w=8),
        ]),
    ],
    marks=[annotation("Exporter restarted", BLUE, f"max_over_time(process_start_time_seconds{{{SELF}}}[2m]) - min_over_time(process_start_time_seconds{{{SELF}}}[2m]) > 5", "{{instance}} was restarted", "")])
