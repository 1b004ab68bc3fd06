"""Efficiency: power against hash rate."""

from panels import dashboard, override, panel, query, row, series, table
from shared import J_PER_TH, KEY, MINERS, MODE_ABOUT, RATE, TO_MINER, WATTS, each, miners, named, sites

WITH_MODE = (f'on ({KEY}) group_left (work_mode) (count_values by ({KEY}) ("work_mode", avalon_work_mode)'
             f' or on ({KEY}) label_replace(avalon_up, "work_mode", "-", "", "") * 0 + 1)')
WINDOW = "[$__range:$__interval]"


def by_mode(function, expr, window=""):
    """By miner and work mode."""
    return f"max by ({KEY}, work_mode) ({function}(({expr} * {WITH_MODE}){window}))"


def mean(expr):
    """Over the selected time."""
    return by_mode("avg_over_time", expr, WINDOW)


def ten_minutes(expr):
    """Sum by miner of the means of ten minutes."""
    return f"sum by ({KEY}) (avg_over_time({expr}[10m:1m]))"


BOARD = dashboard(
    "avalon-efficiency", "Efficiency", "Power against hash rate: which work mode, clock and temperature make the cheapest hashes.", [sites, miners],
    [
        row("", [
            # Once partitioned, the fields are called by mode and heading together, and only by their first names in all parts.
            panel("xychart", "Power against hash rate", "A point for each moment, a colour for each work mode: down and to the right is better. " + MODE_ABOUT,
                  query(by_mode("", RATE), table=True), query(by_mode("", WATTS), table=True),
                  w=12, h=12, interval="1m", transformations=[
                      ("merge", {}),
                      ("organize", {"excludeByName": {}, "renameByName": {"Value #A": "Hash rate", "Value #B": "Power"}, "indexByName": {}}),
                      ("partitionByValues", {"fields": ["work_mode"], "keepFields": False, "naming": {"asLabels": False}}),
                  ],
                  options={"series": [{"x": {"matcher": {"id": "byName", "options": "Value #A"}}, "y": {"matcher": {"id": "byName", "options": "Value #B"}}}]},
                  overrides=[override("Value #A", unit="Hs"), override("Value #B", unit="watt")]),
            table("By work mode", "Means over the selected time, of the moments in which both numbers exist and the miner hashes; J/TH is the ratio of both means. " + MODE_ABOUT, [
                (named(mean(RATE)), "Hash rate"), (named(mean(WATTS)), "Power"), (named(f"{mean(WATTS)} / {mean(RATE)} * 1e12"), "J/TH"),
                (named(by_mode("count_over_time", RATE, WINDOW)), "Points"),
            ], first=("miner", "work_mode"), last=("ip",), w=12, h=12, overrides=[
                override("Hash rate", unit="Hs", decimals=2), override("Power", unit="watt"), override("J/TH", decimals=2), override("miner", links=[TO_MINER])]),
        ]),
        row("Over time", [
            series("Efficiency", "Ratio of the means of ten minutes.", (named(f"{ten_minutes(WATTS)} / {ten_minutes(RATE)} * 1e12"), "{{miner}}"), unit=J_PER_TH,
                   custom={"axisSoftMin": None}),
            series("Efficiency of all", "All power of the miners that hash, divided by all their hashes.", (f"sum({WATTS}) / sum({RATE}) * 1e12", "all"), unit=J_PER_TH, custom={"axisSoftMin": None}),
            series("Work mode", MODE_ABOUT, (named(each("avalon_work_mode")), "{{miner}}"), decimals=0, w=8, custom={"lineInterpolation": "stepAfter"}),
            series("Clock", "Mean of the chips.", (named(f"{each('avalon_frequency_mhz')} * 1e6"), "{{miner}}"), unit="hertz", w=8),
            series("Mean chip temperature", "Cooler chips leak less: watch J/TH when it changes.", (named(f"{each('avalon_temp_avg_celsius')} > 0"), "{{miner}}"), unit="celsius", w=8),
            series("Hash rate against the theoretical", "What is left of what the clocks should give.",
                   (named(f"max by ({KEY}) (avalon_hashrate_ghs{{{MINERS}}} / (avalon_hashrate_moving_ghs > 0))"), "{{miner}}"), unit="percentunit"),
            series("Paid work against hashes", "Difficulty of accepted shares of six hours, times 2^32, divided by the hashes of the same time: 100 % in the long run, but for rejected shares and luck.",
                   (named(f"sum by ({KEY}) (increase(avalon_pool_difficulty_accepted{{{MINERS}}}[6h])) * 2^32 / (sum by ({KEY}) (increase(avalon_hashes_total{{{MINERS}}}[6h])) > 0)"),
                    "{{miner}}"), unit="percentunit"),
        ]),
    ],
    since="now-24h")
