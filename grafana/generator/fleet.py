"""Fleet: all miners at a glance."""

from panels import BLUE, GREEN, ORANGE, RED, dashboard, names, override, panel, row, series, stat, steps, table
from shared import BLOCK, DOWN, HOT, J_PER_TH, MINER, RATE, STATE, STATES, STATE_ABOUT, TO_MINER, UP, WATTS, WHY, WHYS, miner, named

BOARD = dashboard(
    "avalon-fleet", "Fleet", "All miners at a glance: state, hash rate, power, efficiency, heat.", [miner],
    [
        row("", [
            stat("Up", "Miners that answered their last poll.", f"sum(avalon_up{{{MINER}}})", thresholds=steps((GREEN, None))),
            stat("Down", "Miners that do not answer.", f"count(avalon_up{{{MINER}}} == 0) or on () vector(0)", thresholds=steps((GREEN, None), (RED, 1))),
            stat("Hash rate", "Sum of what the miners report now.", f"sum(avalon_hashrate_hashes_per_second{{{MINER}}})", unit="Hs", decimals=1,
                 options={"graphMode": "area", "colorMode": "value"}),
            stat("Power", "Sum of the decoded power; models that are not known add nothing.", f"sum(avalon_power_watts{{{MINER}}})", unit="watt",
                 options={"graphMode": "area", "colorMode": "value"}, thresholds=steps((ORANGE, None))),
            stat("Efficiency", "Power of all miners that hash, divided by their hash rate.", f"sum({WATTS}) / sum({RATE}) * 1e12", unit=J_PER_TH, decimals=1,
                 options={"graphMode": "area", "colorMode": "value"}, thresholds=steps((BLUE, None))),
            stat("Hottest chip", "Of all miners. 96 °C is usual for a Nano 3S.", f"max(avalon_temp_max_celsius{{{MINER}}} > 0) or on () max(avalon_up{{{MINER}}} * 0)",
                 unit="celsius", thresholds=HOT),
        ]),
        row("", [
            stat("State", STATE_ABOUT, named(f"({STATE})"), "{{name}}", w=24, h=5, mappings=STATES, options={"textMode": "value_and_name"}),
            table("Miners", f"A row a miner; click an address to see it alone. Why: how the polls of a miner that is down fail. {STATE_ABOUT}", [
                (named(f"({STATE})"), "State"),
                (WHY, "Why"),
                (f"max by (ip) (avalon_down_duration_seconds{{{MINER}}} > 0)", "Down for"),
                (f"max by (ip) (avalon_hashrate_hashes_per_second{{{MINER}}})", "Hash rate"),
                (f"max by (ip) (avalon_power_watts{{{MINER}}})", "Power"),
                (f"max by (ip) (avalon_efficiency_joules_per_terahash{{{MINER}}})", "J/TH"),
                (f"max by (ip) (avalon_temp_max_celsius{{{MINER}}} > 0)", "Hottest chip"),
                (f"max by (ip) (avalon_fan_duty_percent{{{MINER}}})", "Fan"),
                (f"max by (ip) (avalon_work_mode{{{MINER}}})", "Mode"),
                (f"max by (ip) (avalon_pool_active{{{MINER}}} == 1 and on (instance, ip, pool_index) avalon_pool_alive == 1) or on (ip) max by (ip) (avalon_pool_alive{{{MINER}}} * 0)", "Pool"),
                (f"max by (ip) (avalon_uptime_seconds{{{MINER}}})", "Running for"),
                (f"max by (ip, model, firmware) (avalon_info{{{MINER}}})", ""),
            ], h=8, overrides=[
                override("State", mappings=STATES, custom_cellOptions={"type": "color-background"}),
                override("Why", mappings=WHYS, custom_cellOptions={"type": "color-text"}),
                override("Down for", unit="s"),
                override("Hash rate", unit="Hs", decimals=2),
                override("Power", unit="watt"),
                override("J/TH", decimals=1),
                override("Hottest chip", unit="celsius", thresholds=HOT, custom_cellOptions={"type": "color-text"}),
                override("Fan", unit="percent"),
                override("Pool", mappings=names({0: ("none", RED), 1: ("well", GREEN)}), custom_cellOptions={"type": "color-text"}),
                override("Running for", unit="s"),
                override("ip", links=[TO_MINER]),
            ]),
        ]),
        row("", [
            series("Hash rate", "Of each miner, stacked.", (named(f"max by (ip) (avalon_hashrate_hashes_per_second{{{MINER}}})"), "{{name}}"), unit="Hs",
                   custom={"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}),
            series("Power", "Of each miner, stacked.", (named(f"max by (ip) (avalon_power_watts{{{MINER}}})"), "{{name}}"), unit="watt",
                   custom={"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40}),
            series("Hottest chip", "Of each miner, while it works.", (named(f"max by (ip) (avalon_temp_max_celsius{{{MINER}}} > 0)"), "{{name}}"), unit="celsius",
                   thresholds=HOT, custom={"thresholdsStyle": {"mode": "dashed"}}),
            panel("state-timeline", "Availability", "When each miner answered.", (named(f"max by (ip) (avalon_up{{{MINER}}})"), "{{name}}"), w=12, mappings=UP),
        ]),
    ],
    marks=[DOWN, BLOCK])
