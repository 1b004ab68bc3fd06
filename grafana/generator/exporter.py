"""Exporter health: whether the numbers of the other dashboards can be trusted.

An exporter is a target of Prometheus that serves avalon_exporter_info, whatever its job is called. One that does not answer
serves nothing, so it is known by what it has served.
"""

from panels import BLUE, GREEN, RED, YELLOW, annotation, dashboard, row, series, stat, steps
from shared import DOWN, KEY, KINDS, MINERS, UP, each, miners, named, sites

TARGET = "site, job, instance"
SELF = f"and on ({TARGET}) avalon_exporter_info"
# 30 days: one that has been down for longer is no longer shown.
EVER = f"and on ({TARGET}) last_over_time(avalon_exporter_info[30d])"
BY_TARGET = "{{site}} {{instance}}"


def own(expr):
    """Of each exporter, and NaN if it is down; DOWN shows that as a word."""
    return f"{expr} {SELF} or on ({TARGET}) (up == 0 {EVER}) / 0"


def of_an_hour(counter):
    """What a counter of all miners gained in the last hour, while there is an exporter to count."""
    return f"sum(increase({counter}{{{MINERS}}}[1h])) and on () max(avalon_exporter_info)"


BOARD = dashboard(
    "avalon-exporter", "Exporter health", "Whether the numbers of the other dashboards can be trusted: the exporter itself and Prometheus.", [sites, miners],
    [
        row("", [
            stat("Exporter", "Whether Prometheus gets its metrics.", f"up {EVER}", BY_TARGET, mappings=UP, none="none known"),
            stat("Version", "Of the exporter.", "avalon_exporter_info", "{{version}}", options={"textMode": "name"}, thresholds=steps((BLUE, 0))),
            stat("Running for", "Since the exporter's start.", own("time() - process_start_time_seconds"), BY_TARGET, unit="s", thresholds=steps((BLUE, 0)), mappings=DOWN),
            stat("Failed polls, 1 h", "Of all miners.", of_an_hour("avalon_scrape_errors_total"), decimals=0, thresholds=steps((GREEN, 0), (YELLOW, 1), (RED, 100))),
            stat("Skipped polls, 1 h", "A poll was still running when the next was due: raise UPDATE_INTERVAL above MINER_TIMEOUT.", of_an_hour("avalon_polls_skipped_total"), decimals=0,
                 thresholds=steps((GREEN, 0), (YELLOW, 1))),
            stat("Series", "On the exporter's page.", own("scrape_samples_scraped"), BY_TARGET, thresholds=steps((BLUE, 0)), mappings=DOWN),
        ]),
        row("Polls", [
            series("Duration of a poll", "By miner, failed ones too.", (named(each("avalon_scrape_duration_seconds")), "{{miner}}"), unit="s"),
            series("Failed polls", "A minute: of all miners, and by miner and kind where there are some.",
                   (f"sum(rate(avalon_scrape_errors_total{{{MINERS}}}[$__rate_interval])) * 60", "all"), *[
                       (named(f"sum by ({KEY}) (rate(avalon_scrape_errors_{kind}_total{{{MINERS}}}[$__rate_interval])) * 60 > 0"), "{{miner}} " + kind.replace("_", " ")) for kind in KINDS],
                   unit="cpm"),
            series("Duration of a cycle", "From the start of the last complete cycle to the end of its last poll.", ("avalon_poll_cycle_duration_seconds", BY_TARGET), unit="s", w=8),
            series("Age of the last answer", "Of each miner.", (named(f"time() - max by ({KEY}) (avalon_last_scrape_timestamp_seconds{{{MINERS}}} > 0)"), "{{miner}}"), unit="s", w=8),
            series("Skipped and cut", "An hour: polls left out, and series dropped by the limits for a reply.",
                   (named(f"max by ({KEY}) (increase(avalon_polls_skipped_total{{{MINERS}}}[1h]))"), "{{miner}} skipped"),
                   (named(f"max by ({KEY}) (increase(avalon_series_dropped_total{{{MINERS}}}[1h]))"), "{{miner}} dropped"), w=8),
        ]),
        row("Web server", [
            series("Requests", "A minute, by path and status.",
                   (f"sum by ({TARGET}, path, code) (rate(avalon_http_requests_total[$__rate_interval])) * 60", BY_TARGET + " {{path}} {{code}}"), unit="cpm"),
            series("Connections", "A minute: accepted; of those refused, evicted for others or timed out; restarts of the inner server.",
                   (f"sum by ({TARGET}, result) (rate(avalon_http_connections_total[$__rate_interval])) * 60", BY_TARGET + " {{result}}"), unit="cpm"),
        ]),
        row("Process", [
            series("Memory", "Resident.", (f"process_resident_memory_bytes {SELF}", BY_TARGET), unit="bytes", w=6),
            series("CPU", "Part of one core.", (f"rate(process_cpu_seconds_total[$__rate_interval]) {SELF}", BY_TARGET), unit="percentunit", w=6),
            series("File descriptors", "Open, of the limit.", (f"process_open_fds / process_max_fds {SELF}", BY_TARGET), unit="percentunit", w=6),
            series("Threads", "One a miner, and a few.", (f"process_threads {SELF}", BY_TARGET), w=6),
        ]),
        row("Prometheus", [
            series("Duration of a scrape", "Of each target.", ("scrape_duration_seconds", "{{job}} " + BY_TARGET), unit="s", w=8),
            series("Targets", "Whether each answers.", ("up", "{{job}} " + BY_TARGET), w=8, max=1),
            series("Series and samples", "Series in memory, and samples taken in a second.", ("sum(prometheus_tsdb_head_series)", "series"),
                   ("sum(rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))", "samples a second"), w=8),
        ]),
    ],
    marks=[annotation("Exporter restarted", BLUE, f"max_over_time(process_start_time_seconds[2m]) - min_over_time(process_start_time_seconds[2m]) > 5 {SELF}", "{{instance}} was restarted", "")])
