"""Efficiency: power against hash rate."""

from panels import dashboard, override, panel, query, row, series, table
from shared import J_PER_TH, MINER, MODE_ABOUT, RATE, TO_MINER, WATTS, miner, one

WITH_MODE = 'on (instance, ip) group_left (work_mode) (count_values by (instance, ip) ("work_mode", avalon_work_mode) or on (instance, ip) label_replace(avalon_up, "work_mode", "-", "", "") * 0 + 1)'
WINDOW = "[$__range:$__interval]"


def mean(expr):
    """Over the selected time, by miner and work mode."""
    return f"max by (ip, work_mode) (avg_over_time(({expr} * {WITH_MODE}){WINDOW}))"


BOARD = dashboard(
    "avalon-efficiency", "Efficiency", "Power against hash rate: which work mode, clock and temperature make the cheapest hashes.", [miner],
    [
        row("", [
            panel("xychart", "Power against hash rate", "A point for each moment, a colour for each work mode: down and to the right is better. " + MODE_ABOUT,
                  query(f"max by (ip, work_mode) ({RATE} * {WITH_MODE})", table=True), query(f"max by (ip, work_mode) ({WATTS} * {WITH_MODE})", table=True),
                  w=12, h=12, interval="1m", transformations=[
                      ("merge", {}),
                      ("organize", {"excludeByName": {}, "renameByName": {"Value #A": "Hash rate", "Value #B": "Power"}, "indexByName": {}}),
                      ("partitionByValues", {"fields": ["work_mode"], "keepFields": False, "naming": {"asLabels": False}}),
                  ],
                  options={"series": [{"x": {"matcher": {"id": "byName", "options": "Hash rate"}}, "y": {"matcher": {"id": "byName", "options": "Power"}}}]},
                  overrides=[override("Hash rate", unit="Hs"), override("Power", unit="watt")]),
            table("By work mode", "Means over the selected time, of the moments in which both numbers exist and the miner hashes; J/TH is the ratio of both means. " + MODE_ABOUT, [
                (mean(RATE), "Hash rate"), (mean(WATTS), "Power"), (f"{mean(WATTS)} / {mean(RATE)} * 1e12", "J/TH"),
                (f"max by (ip, work_mode) (count_over_time(({RATE} * {WITH_MODE}){WINDOW}))", "Points"),
            ], w=12, h=12, overrides=[override("Hash rate", unit="Hs", decimals=2), override("Power", unit="watt", decimals=0), override("J/TH", decimals=2),
                                      override("ip", links=[TO_MINER])]),
        ]),
        row("Over time", [
            series("Efficiency", "Ratio of the means of ten minutes.", (f"sum by (ip) (avg_over_time({WATTS}[10m:1m])) / sum by (ip) (avg_over_time({RATE}[10m:1m])) * 1e12", "{{ip}}"), unit=J_PER_TH,
                   custom={"axisSoftMin": None}),
            series("Efficiency of all", "All power of the miners that hash, divided by all their hashes.", (f"sum({WATTS}) / sum({RATE}) * 1e12", "all"), unit=J_PER_TH, custom={"axisSoftMin": None}),
            series("Work mode", MODE_ABOUT, (one.format("avalon_work_mode"), "{{ip}}"), decimals=0, w=8, custom={"lineInterpolation": "stepAfter"}),
            series("Clock", "Mean of the chips.", (one.format("avalon_frequency_mhz") + " * 1e6", "{{ip}}"), unit="hertz", w=8),
            series("Mean chip temperature", "Cooler chips leak less: watch J/TH when it changes.", (one.format("avalon_temp_avg_celsius") + " > 0", "{{ip}}"), unit="celsius", w=8),
            series("Hash rate against the theoretical", "What is left of what the clocks should give.",
                   (f"max by (ip) (avalon_hashrate_ghs{{{MINER}}} / (avalon_hashrate_moving_ghs > 0))", "{{ip}}"), unit="percentunit"),
            series("Paid work against hash rate", "Difficulty of accepted shares of six hours, times 2^32, divided by the mean hash rate of the same time: 100 % in the long run, but for rejected shares and luck.",
                   (f"sum by (ip) (rate(avalon_pool_difficulty_accepted{{{MINER}}}[6h])) * 2^32 / (sum by (ip) (avg_over_time(avalon_hashrate_hashes_per_second{{{MINER}}}[6h])) > 0)", "{{ip}}"),
                   unit="percentunit"),
        ]),
    ],
    since="now-24h")
