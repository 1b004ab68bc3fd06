"""Fleet: all miners at a glance."""

from panels import BLUE, GREEN, ORANGE, RED, dashboard, names, override, panel, row, series, stat, steps, table
from shared import (COLD, DOWN, HOT, J_PER_TH, KEY, MINERS, NONE_IS_GOOD, RATE, STATES, STATE_ABOUT, TO_MINER, UP, WATTS, WHY, WHYS, each,
                    marks, miners, named, or_all_down, sites, state)

POOL_STATE = (f"max by ({KEY}) (avalon_pool_active{{{MINERS}}} == 1 and on ({KEY}, pool_index) avalon_pool_alive == 1)"
              f" or on ({KEY}) {each('avalon_pool_alive')} * 0")

BOARD = dashboard(
    "avalon-fleet", "Fleet", "All miners at a glance: state, hash rate, power, efficiency, heat.", [sites, miners],
    [
        row("", [
            stat("Up", "Miners that answered their last poll.", f"sum(avalon_up{{{MINERS}}})", thresholds=steps((RED, 0), (GREEN, 1))),
            stat("Down", "Miners that do not answer.", f"sum(1 - avalon_up{{{MINERS}}})", thresholds=NONE_IS_GOOD),
            stat("Hash rate", "Sum of what the miners report now.", or_all_down(f"sum(avalon_hashrate_hashes_per_second{{{MINERS}}})"), unit="Hs", decimals=1,
                 options={"colorMode": "value"}, thresholds=steps((GREEN, 1)), mappings=DOWN),
            stat("Power", "Sum of the decoded power; models that are not known add nothing.", or_all_down(f"sum(avalon_power_watts{{{MINERS}}})"), unit="watt",
                 options={"colorMode": "value"}, thresholds=steps((ORANGE, 0)), mappings=DOWN),
            stat("Efficiency", "Power of all miners that hash, divided by their hash rate.", or_all_down(f"sum({WATTS}) / sum({RATE}) * 1e12"), unit=J_PER_TH, decimals=1,
                 options={"colorMode": "value"}, thresholds=steps((BLUE, 0)), mappings=DOWN),
            stat("Hottest chip", "Of all miners. 96 °C is usual for a Nano 3S; off: all that answer are in standby.",
                 or_all_down(f"max(avalon_temp_max_celsius{{{MINERS}}})"), unit="celsius", thresholds=HOT, mappings=COLD),
        ]),
        row("", [
            stat("State", STATE_ABOUT, named(state()), "{{miner}}", w=24, h=5, mappings=STATES, options={"textMode": "value_and_name"}, none="no data: see Exporter health"),
            table("Miners", f"A row a miner; click one to see it alone. Why: how the polls of a miner that is down fail. {STATE_ABOUT}", [
                (named(state()), "State"),
                (named(WHY), "Why"),
                (named(f"{each('avalon_down_duration_seconds')} > 0"), "Down for"),
                (named(each("avalon_hashrate_hashes_per_second")), "Hash rate"),
                (named(each("avalon_power_watts")), "Power"),
                (named(each("avalon_efficiency_joules_per_terahash")), "J/TH"),
                (named(each("avalon_temp_max_celsius")), "Hottest chip"),
                (named(each("avalon_fan_duty_percent")), "Fan"),
                (named(each("avalon_work_mode")), "Mode"),
                (named(POOL_STATE), "Pool"),
                (named(each("avalon_uptime_seconds")), "Running for"),
                (named(each("avalon_info", MINERS, "model", "firmware")), ""),
            ], last=("model", "firmware"), h=8, overrides=[
                override("State", mappings=STATES, custom_cellOptions={"type": "color-background"}),
                override("Why", mappings=WHYS, custom_cellOptions={"type": "color-text"}),
                override("Down for", unit="s"),
                override("Hash rate", unit="Hs", decimals=2),
                override("Power", unit="watt"),
                override("J/TH", decimals=1),
                override("Hottest chip", unit="celsius", thresholds=HOT, mappings=COLD, custom_cellOptions={"type": "color-text"}),
                override("Fan", unit="percent"),
                override("Pool", mappings=names({0: ("none", RED), 1: ("well", GREEN)}), custom_cellOptions={"type": "color-text"}),
                override("Running for", unit="s"),
                override("miner", links=[TO_MINER]),
            ]),
        ]),
        row("", [
            series("Hash rate", "Of each miner, stacked.", (named(each("avalon_hashrate_hashes_per_second")), "{{miner}}"), unit="Hs",
                   custom={"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}),
            series("Power", "Of each miner, stacked.", (named(each("avalon_power_watts")), "{{miner}}"), unit="watt",
                   custom={"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}),
            series("Hottest chip", "Of each miner, while it works.", (named(f"{each('avalon_temp_max_celsius')} > 0"), "{{miner}}"), unit="celsius",
                   thresholds=HOT, custom={"thresholdsStyle": {"mode": "dashed"}}),
            panel("state-timeline", "Availability", "When each miner answered; a gap: nothing is known, since the exporter did not answer.",
                  (named(each("avalon_up")), "{{miner}}"), w=12, mappings=UP),
        ]),
    ],
    marks=marks(MINERS, "down", "block"))
