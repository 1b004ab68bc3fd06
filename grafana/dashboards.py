#!/usr/bin/env python3
"""The dashboards. `python3 grafana/dashboards.py` writes dashboards/*.json; with `--check` it only says which differ.

Why a generator: seven files of JSON hold the same thirty lines a panel ninety times, and they drift. Here a panel is its
title, its description, its queries and its unit, and panels.py says the rest. Nobody needs this to use the dashboards.

They use no recording rules, so that they work when imported into any Grafana. Every description says what a number means
and what it needs. Words: MINER selects by the variable, NAME gives a miner's name from the settings, else its address.
"""

import json
import sys
from pathlib import Path

from panels import (BLUE, GREEN, GREY, ORANGE, RED, YELLOW, annotation, dashboard, names, override, panel, query, row, series, stat,
                    steps, table, text, typed, variable)

MINER = 'ip=~"$miner"'
POOL = f'{MINER}, pool_index=~"$pool"'
EXTENDED = "Needs EXPORT_EXTENDED_METRICS=true."
PRICE = "From ELECTRICITY_PRICE of the exporter; if it has none, the price typed above."

miner = variable("miner", "Miner", "label_values(avalon_up, ip)", ".+")
pool = variable("pool", "Pool", f"label_values(avalon_pool_alive{{{MINER}}}, pool_index)", ".+")

NAME = 'max by (ip, name) (avalon_miner_name or on (ip) label_replace(avalon_up, "name", "$1", "ip", "(.+)") * 0 + 1)'


def named(expr):
    """With the miner's name as a label."""
    return f"{expr} * on (ip) group_left (name) {NAME}"


# Codes for states, because Grafana colours numbers. The first that holds wins.
STATE = f"""max by (ip) (
  avalon_up{{{MINER}}} == 0
  or on (ip) avalon_soft_power_off == 1
  or on (ip) (avalon_system_state{{state="fault"}} == 1) + 1
  or on (ip) (avalon_system_state{{state="init"}} == 1) + 2
  or on (ip) (avalon_system_state{{state="idle"}} == 1) + 3
  or on (ip) (avalon_hashrate_hashes_per_second > bool 0) + 4
  or on (ip) avalon_up + 3
) and on (ip) avalon_up{{{MINER}}}"""
STATES = names({0: ("down", RED), 1: ("off", GREY), 2: ("fault", RED), 3: ("starting", YELLOW), 4: ("idle", ORANGE), 5: ("working", GREEN)})
STATE_ABOUT = "down: no answer; off: switched off by software (standby too); fault, starting, idle, working: what the miner says of itself."

KINDS = ["timeout", "connection_refused", "network", "parse", "other"]
WHY = "\n  or on (ip) ".join(
    f"(increase(avalon_scrape_errors_{kind}_total{{{MINER}}}[5m]) > 0) * 0 + {i}" for i, kind in enumerate(KINDS, 1))
WHY = f"max by (ip) (\n  {WHY}\n) and on (ip) avalon_up == 0"
WHYS = names({1: ("no answer in time", RED), 2: ("connection refused", RED), 3: ("no way or name", RED), 4: ("answer unreadable", RED), 5: ("other", RED)})

# Power and hash rate at the times when both exist and the miner hashes: only then is their ratio an efficiency.
HASHING = "avalon_hashrate_hashes_per_second > 0"
WATTS = f"(avalon_power_watts{{{MINER}}} and on (instance, ip) {HASHING})"
RATE = f"(avalon_hashrate_hashes_per_second{{{MINER}}} > 0 and on (instance, ip) avalon_power_watts)"
J_PER_TH = "suffix: J/TH"

HOT = steps((BLUE, None), (GREEN, 40), (YELLOW, 98), (RED, 105))
BAD_SHARE = steps((GREEN, None), (YELLOW, 0.02), (RED, 0.05))
UP = names({0: ("down", RED), 1: ("up", GREEN)})
YES = names({0: ("no", GREY), 1: ("yes", GREEN)})
MODES = names({0: ("0", BLUE), 1: ("1", GREEN), 2: ("2", ORANGE)})
MODE_ABOUT = "Nano 3S: 0 low, 1 medium, 2 high. Q: 0 eco, 1 standard, 2 super. Mini 3: 0 heating, 1 mining, 2 night."
TO_MINER = {"title": "Open this miner", "url": "/d/avalon-miner?${datasource:queryparam}&var-miner=${__data.fields.ip}&${__url_time_range}"}

DOWN = annotation("Down", RED, f"(avalon_up{{{MINER}}} == 0) and on (ip) (avalon_up offset 1m == 1)", "{{ip}} went down", "")
FAILOVER = annotation(
    "Fail-over", ORANGE,
    f"(avalon_pool_active{{{MINER}}} == 1) and on (ip, pool_index) (avalon_pool_active offset 1m == 0)",
    "{{ip}} works for pool {{pool_index}} now", "")
RESTART = annotation("Restart", BLUE, f"resets(avalon_uptime_seconds{{{MINER}}}[2m]) > 0", "{{ip}} was restarted", "")
BLOCK = annotation("Block", YELLOW, f"increase(avalon_blocks_found_total{{{MINER}}}[2m]) > 0", "{{ip}} found a block!", "")

fleet = dashboard(
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

one = "max by (ip) ({}{{" + MINER + "}})"  # One value a miner, without the labels of the scrape.

miner_board = dashboard(
    "avalon-miner", "Miner", "Everything that a miner reports.",
    [variable("miner", "Miner", "label_values(avalon_up, ip)", ".+", start_with_all=False), pool],
    [
        row("", [
            stat("State", STATE_ABOUT, STATE, "{{ip}}", mappings=STATES),
            stat("Hash rate", "What the miner reports now.", one.format("avalon_hashrate_hashes_per_second"), "{{ip}}", unit="Hs", decimals=2,
                 options={"graphMode": "area", "colorMode": "value"}),
            stat("Power", "Decoded from the supply's report, by model; at the input or the wall but for the A10, whose supply knows the board's alone.",
                 one.format("avalon_power_watts"), "{{ip}}", unit="watt", options={"graphMode": "area", "colorMode": "value"}, thresholds=steps((ORANGE, None))),
            stat("Efficiency", "Power divided by hash rate, while it hashes.", one.format("avalon_efficiency_joules_per_terahash"), "{{ip}}", unit=J_PER_TH, decimals=1,
                 options={"graphMode": "area", "colorMode": "value"}, thresholds=steps((BLUE, None))),
            stat("Hottest chip", "As the miner reports it, 0 in standby.", one.format("avalon_temp_max_celsius"), "{{ip}}", unit="celsius", thresholds=HOT),
            stat("Running for", "Since the mining program started.", one.format("avalon_uptime_seconds"), "{{ip}}", unit="s", thresholds=steps((BLUE, None))),
            stat("Best share, 24 h", "Highest reading of the last 24 hours of what the miner calls its best share, which it counts from its own start.",
                 f"max by (ip) (max_over_time(avalon_best_share{{{MINER}}}[24h]))", "{{ip}}", unit="sishort", thresholds=steps((BLUE, None))),
            stat("Best share, ever", "Highest reading of the selected time range: choose the range as far back as data goes.",
                 f"max by (ip) (max_over_time(avalon_best_share{{{MINER}}}[$__range]))", "{{ip}}", unit="sishort", thresholds=steps((BLUE, None))),
            stat("Work mode", MODE_ABOUT + " Other models have none.", one.format("avalon_work_mode"), "{{ip}}", mappings=MODES),
            stat("Blocks found", "Since the miner's start.", one.format("avalon_blocks_found_total"), "{{ip}}", thresholds=steps((GREY, None), (YELLOW, 1))),
            stat("Soft-off reason", "0: it is not off. 4: standby on the Q.", one.format("avalon_soft_off_reason"), "{{ip}}",
                 thresholds=steps((GREEN, None), (ORANGE, 1)), mappings=names({0: ("on", GREEN), 4: ("standby", GREY)})),
            stat("Wi-Fi", f"Signal strength; below -75 dBm expect trouble. Empty on a cable. {EXTENDED}", one.format("avalon_wifi_rssi_dbm"), "{{ip}}", unit="dBm",
                 thresholds=steps((RED, None), (YELLOW, -75), (GREEN, -67))),
            table("Identity", "What the miner says it is, kept while it is down.", [
                (f"max by (ip, model, prod, firmware, cgminer, api, hwtype, swtype, mac, dna) (avalon_info{{{MINER}}})", ""),
                (one.format("avalon_total_asics"), "Chips"), (one.format("avalon_hash_boards"), "Boards"),
            ], h=4),
        ]),
        row("Hash rate", [
            series("Hash rate", "Now; what the clocks should give (theoretical); mean since the start. In standby the last two are of the last run.",
                   (one.format("avalon_hashrate_ghs") + " * 1e9", "{{ip}} now"), (one.format("avalon_hashrate_moving_ghs") + " * 1e9", "{{ip}} theoretical"),
                   (one.format("avalon_hashrate_avg_ghs") + " * 1e9", "{{ip}} mean"), unit="Hs"),
            series("Hash rate, smoothed", "The miner's own means over 1, 5 and 15 minutes.", *[
                (one.format(f"avalon_hashrate_{w}_ghs") + " * 1e9", "{{ip}} " + w) for w in ("1m", "5m", "15m")], unit="Hs"),
            series("Clock", "Mean clock of the chips.", (one.format("avalon_frequency_mhz") + " * 1e6", "{{ip}}"), unit="hertz", w=8),
            series("Work utility", "Difficulty-1 shares a minute: of the device, and of the summary.", (one.format("avalon_work_utility"), "{{ip}} device"),
                   (one.format("avalon_work_utility_summary"), "{{ip}} summary"), w=8),
            series("Hardware errors", "Error rate of the chips: long and of late. A few per cent are usual.", (one.format("avalon_hw_error_rate_percent"), "{{ip}} long"),
                   (one.format("avalon_hw_error_rate_speed_percent"), "{{ip}} of late"),
                   (one.format("avalon_device_hw_error_percent"), "{{ip}} device"), unit="percent", w=8),
        ]),
        row("Temperature and fans", [
            series("Chips", "Hottest, mean, and what the miner regulates to.", (one.format("avalon_temp_max_celsius"), "{{ip}} hottest"),
                   (one.format("avalon_temp_avg_celsius"), "{{ip}} mean"), (one.format("avalon_temp_target_celsius"), "{{ip}} target"), unit="celsius"),
            series("Air and board", "Inlet, outlet and ambient air, and the sensors on the board, as far as the model has them; -273, which means no sensor, is left out.",
                   (one.format("avalon_temp_inlet_celsius") + " > -200", "{{ip}} inlet"), (one.format("avalon_temp_outlet_celsius"), "{{ip}} outlet"),
                   (one.format("avalon_temp_ambient_celsius") + " > -200", "{{ip}} ambient"), (one.format("avalon_temp_current_celsius"), "{{ip}} Temp"),
                   (f"max by (ip, position) (avalon_temp_board_celsius{{{MINER}}})", "{{ip}} board {{position}}"), unit="celsius"),
            series("Fans", "Revolutions a minute. A fan that is not fitted reads 0.", (f"max by (ip, fan) (avalon_fan_rpm{{{MINER}}})", "{{ip}} fan {{fan}}"), unit="rotrpm"),
            series("Fan duty", "How hard the miner drives its fans.", (one.format("avalon_fan_duty_percent"), "{{ip}}"), unit="percent", max=100),
        ]),
        row("Power", [
            series("Power", "Measured, beside the limit of the work mode (a setting).", (one.format("avalon_power_watts"), "{{ip}}"), (one.format("avalon_mpo_target"), "{{ip}} limit"),
                   unit="watt"),
            series("Efficiency", "Power divided by hash rate.", (one.format("avalon_efficiency_joules_per_terahash"), "{{ip}}"), unit=J_PER_TH, custom={"axisSoftMin": None}),
            series("Supply: volts", "At its input, at its output, and what it is set to; each only where the model reports it.", *[
                (one.format(f"avalon_psu_{x}_volts"), "{{ip}} " + x) for x in ("input", "output", "set")], unit="volt", w=8),
            series("Supply: output", "Current and power at the supply's output, where the model reports them.",
                   (one.format("avalon_psu_output_amperes"), "{{ip}} A"), (one.format("avalon_psu_output_watts"), "{{ip}} W"), unit="short", w=8),
            series("Supply: as sent", "The raw numbers, whose unit depends on the model: for comparing with the Python exporter's dashboards.", *[
                (one.format(f"avalon_power_{x}"), "{{ip}} " + x) for x in ("vout", "iout", "vout_cmd", "pout_wall", "err")], w=8),
        ]),
        row("Errors and boards", [
            table("Error codes", "Error bits of supply, controller and boards. 0 is fine; 512 stands on the boards of healthy A10s.", [
                (one.format("avalon_psu_error_code"), "Supply"), (one.format("avalon_controller_error_code"), "Controller"),
                (f"max by (ip) (avalon_board_error_code{{{MINER}}})", "Boards"), (one.format("avalon_system_state").replace("{ip", '{state="fault", ip'), "Fault"),
            ], w=8, h=6, overrides=[override(c, thresholds=steps((GREEN, None), (RED, 1)), custom_cellOptions={"type": "color-text"}) for c in
                                    ("Supply", "Controller", "Boards", "Fault")]),
            series("Boards: hash rate", "Of each board, while it works.", (f"max by (ip, board) (avalon_board_hashrate_hashes_per_second{{{MINER}}})", "{{ip}} board {{board}}"),
                   unit="Hs", w=8, h=6),
            series("Boards: temperature", "Hottest and mean chip of each board, while it works.",
                   (f"max by (ip, board) (avalon_board_temp_max_celsius{{{MINER}}})", "{{ip}} board {{board}} hottest"),
                   (f"max by (ip, board) (avalon_board_temp_avg_celsius{{{MINER}}})", "{{ip}} board {{board}} mean"), unit="celsius", w=8, h=6),
            series("Boards: errors", "Hardware and link errors a minute of each board, and of the whole miner.",
                   (f"sum by (ip, board) (rate(avalon_board_hw_errors_total{{{MINER}}}[$__rate_interval])) * 60", "{{ip}} board {{board}} hardware"),
                   (f"sum by (ip, board) (rate(avalon_board_crc_errors_total{{{MINER}}}[$__rate_interval])) * 60", "{{ip}} board {{board}} link"),
                   (f"sum by (ip) (rate(avalon_hw_errors_total{{{MINER}}}[$__rate_interval])) * 60", "{{ip}} hardware"), unit="cpm"),
            series("Restarts and downs", "Restarts of the mining program, and times the miner stopped answering, in an hour.",
                   (f"max by (ip) (resets(avalon_uptime_seconds{{{MINER}}}[1h]))", "{{ip}} restarts"),
                   (f"max by (ip) (increase(avalon_status_downs_total{{{MINER}}}[1h]))", "{{ip}} downs")),
        ]),
        row("Shares and pools", [
            series("Accepted shares", "A minute, by pool.", (f"sum by (ip, pool_index) (rate(avalon_pool_shares_accepted_total{{{POOL}}}[$__rate_interval])) * 60", "{{ip}} pool {{pool_index}}"),
                   unit="cpm", w=8),
            series("Rejected and stale shares", "Part of all shares, by pool, as the miner counts since its start.",
                   (f"max by (ip, pool_index) (avalon_pool_rejected_percent{{{POOL}}})", "{{ip}} pool {{pool_index}} rejected"),
                   (f"max by (ip, pool_index) (avalon_pool_stale_percent{{{POOL}}})", "{{ip}} pool {{pool_index}} stale"), unit="percent", w=8),
            panel("state-timeline", "Pool in use", "Which pool the miner works for and which answers.", (f"max by (ip, pool_index) (avalon_pool_up{{{POOL}}})", "{{ip}} pool {{pool_index}}"),
                  mappings=YES, w=8),
            series("Best share", "Of the miner, and for each pool, since the miner's start.", (one.format("avalon_best_share"), "{{ip}}"),
                   (f"max by (ip, pool_index) (avalon_pool_best_share{{{POOL}}})", "{{ip}} pool {{pool_index}}"), unit="sishort", w=8),
            series("Round trip", "Mean of the last share submissions.", (one.format("avalon_ping_seconds"), "{{ip}}"), unit="s", w=8),
            series("Pool failures", "An hour, as the miner counts them.", (f"max by (ip) (increase(avalon_pool_failures_total{{{MINER}}}[1h]))", "{{ip}}"), w=8),
        ]),
        row("Network and controller", [
            series("Wi-Fi", f"Signal strength; no curve on a cable. {EXTENDED}", (one.format("avalon_wifi_rssi_dbm"), "{{ip}}"), unit="dBm", w=8, custom={"axisSoftMin": -90}),
            series("Free memory", "Of the controller.", (one.format("avalon_memory_free_bytes"), "{{ip}}"), unit="bytes", w=8),
            series("Dust filter", f"Running time since the filter was last reset; the alert comes after 90 days. {EXTENDED}", (one.format("avalon_filter_runtime_seconds"), "{{ip}}"),
                   unit="s", w=8),
        ]),
        row("Chips, in sum", [
            series("Chip temperature", "Coolest, mean and hottest. In standby those of the last run.", *[
                (one.format(f"avalon_chip_temp_{x}_celsius"), "{{ip}} " + x) for x in ("min", "avg", "max")], unit="celsius", w=8),
            series("Chip voltage", "Lowest, mean and highest core voltage, while the chips work.", *[
                (one.format(f"avalon_chip_core_{x}_volts"), "{{ip}} " + x) for x in ("min", "avg", "max")], unit="volt", w=8, custom={"axisSoftMin": None}),
            series("Chip work", "Fewest, mean and most nonces of a chip, and all together.", *[
                (one.format(f"avalon_chip_matching_work_{x}"), "{{ip}} " + x) for x in ("min", "avg", "max", "sum")], unit="sishort", w=8),
            series("Chip voltage, as the Python exporter gives it", "The raw voltage divided by 100: ten times the true one.", *[
                (one.format(f"avalon_chip_voltage_{x}_volts"), "{{ip}} " + x) for x in ("min", "avg", "max")], unit="short", custom={"axisSoftMin": None}),
            series("Chips", "How many report.", (one.format("avalon_chip_count"), "{{ip}}")),
        ], collapsed=True),
        row("Every chip (needs EXPORT_CHIP_METRICS=true)", [
            series("Temperature", "Of each chip. In standby that of the last run.", (f"max by (ip, chip) (avalon_chip_temp_celsius{{{MINER}}})", "{{ip}} {{chip}}"), unit="celsius", w=24),
            series("Core voltage", "Of each chip, while it works.", (f"max by (ip, chip) (avalon_chip_core_volts{{{MINER}}})", "{{ip}} {{chip}}"), unit="volt", w=24, custom={"axisSoftMin": None}),
            series("Nonces found", "By each chip; a chip that lags behind the others is weak.", (f"max by (ip, chip) (avalon_chip_matching_work{{{MINER}}})", "{{ip}} {{chip}}"), unit="sishort", w=24),
            series("Voltage, as the Python exporter gives it", "The raw voltage divided by 100: ten times the true one.",
                   (f"max by (ip, chip) (avalon_chip_voltage_volts{{{MINER}}})", "{{ip}} {{chip}}"), unit="short", w=24, custom={"axisSoftMin": None}),
        ], collapsed=True),
    ],
    marks=[DOWN, FAILOVER, RESTART, BLOCK])

PER_MINUTE = "sum by (ip, pool_index) (rate({}{{" + POOL + "}}[$__rate_interval])) * 60"
BY_POOL = "{{ip}} pool {{pool_index}}"
ALL_SHARES = "(" + " + ".join(f"sum by (ip) (increase(avalon_shares_{x}_total{{{MINER}}}[1h]))" for x in ("accepted", "rejected", "stale")) + ") > 0"

pools = dashboard(
    "avalon-pools", "Pools", "Which pools are alive and in use, what they accept, and what the way to them loses.", [miner, pool],
    [
        row("", [
            stat("Alive", "Pools that answer, over all miners; a healthy standby pool is alive and not active.", f"sum(avalon_pool_alive{{{POOL}}})", thresholds=steps((GREEN, None))),
            stat("Dead", "Pools that do not answer.", f"count(avalon_pool_alive{{{POOL}}} == 0) or on () vector(0)", thresholds=steps((GREEN, None), (RED, 1))),
            stat("On a backup", "Miners that work for a pool that is not their first.",
                 f"count(min by (ip) (avalon_pool_priority{{{MINER}}} and on (instance, ip, pool_index) avalon_pool_active == 1) > min by (ip) (avalon_pool_priority{{{MINER}}})) or on () vector(0)",
                 thresholds=steps((GREEN, None), (ORANGE, 1))),
            stat("Accepted", "Shares a minute, all miners.", f"sum(rate(avalon_shares_accepted_total{{{MINER}}}[$__rate_interval])) * 60", unit="cpm", decimals=1,
                 options={"graphMode": "area", "colorMode": "value"}),
            stat("Rejected, 1 h", "Part of the shares of the last hour that pools rejected.",
                 f"sum(increase(avalon_shares_rejected_total{{{MINER}}}[1h])) / sum({ALL_SHARES})", unit="percentunit", decimals=2, thresholds=BAD_SHARE),
            stat("Stale, 1 h", "Part of the shares of the last hour that came too late.",
                 f"sum(increase(avalon_shares_stale_total{{{MINER}}}[1h])) / sum({ALL_SHARES})", unit="percentunit", decimals=2, thresholds=BAD_SHARE),
            table("Pools", "A row for each pool of each miner.", [
                (f"max by (ip, pool_index, url) (avalon_pool_priority{{{POOL}}} * on (ip, pool_index) group_left (url) max by (ip, pool_index, url) (avalon_pool_works_total * 0 + 1))", "Priority"),
                (f"max by (ip, pool_index) (avalon_pool_alive{{{POOL}}})", "Alive"),
                (f"max by (ip, pool_index) (avalon_pool_active{{{POOL}}})", "Active"),
                (f"sum by (ip, pool_index) (avalon_pool_shares_accepted_total{{{POOL}}})", "Accepted"),
                (f"sum by (ip, pool_index) (avalon_pool_shares_rejected_total{{{POOL}}})", "Rejected"),
                (f"sum by (ip, pool_index) (avalon_pool_stale_total{{{POOL}}})", "Stale"),
                (f"max by (ip, pool_index) (avalon_pool_stratum_difficulty{{{POOL}}})", "Difficulty"),
                (f"max by (ip, pool_index) (avalon_pool_best_share{{{POOL}}})", "Best share"),
                (f"max by (ip, pool_index) (avalon_pool_current_block_height{{{POOL}}} > 0)", "Block"),
            ], h=9, overrides=[
                override("Alive", mappings=YES, custom_cellOptions={"type": "color-background"}), override("Active", mappings=YES, custom_cellOptions={"type": "color-background"}),
                override("Difficulty", unit="sishort"), override("Best share", unit="sishort"), override("Block", unit="none"), override("ip", links=[TO_MINER])]),
        ]),
        row("Shares", [
            series("Accepted", "Shares a minute by pool. Fewer of a higher difficulty are worth the same.", (PER_MINUTE.format("avalon_pool_shares_accepted_total"), BY_POOL), unit="cpm"),
            series("Rejected and stale", "Shares a minute by pool.", (PER_MINUTE.format("avalon_pool_shares_rejected_total"), BY_POOL + " rejected"),
                   (PER_MINUTE.format("avalon_pool_stale_total"), BY_POOL + " stale"), unit="cpm"),
            series("Rejected and stale, of all shares", "Part of the shares of the last hour.",
                   (f"sum by (ip) (increase(avalon_shares_rejected_total{{{MINER}}}[1h])) / ({ALL_SHARES})", "{{ip}} rejected"),
                   (f"sum by (ip) (increase(avalon_shares_stale_total{{{MINER}}}[1h])) / ({ALL_SHARES})", "{{ip}} stale"), unit="percentunit", thresholds=BAD_SHARE),
            series("Difficulty", "What the pool asks of a share. The pool sets it by the miner's speed.", (f"max by (ip, pool_index) (avalon_pool_stratum_difficulty{{{POOL}}} > 0)", BY_POOL),
                   unit="sishort"),
            series("Work done, by difficulty", "Difficulty of accepted shares times 2^32, in hashes a second: the hash rate that pools pay for. It scatters much over short times.",
                   (f"sum by (ip) (rate(avalon_pool_difficulty_accepted{{{POOL}}}[1h])) * 2^32", "{{ip}}"), unit="Hs"),
            series("Last share", "Age of the last share, of models that send it as Unix time.",
                   (f"time() - max by (ip) (avalon_pool_last_share_time{{{POOL}}} > 1e9)", "{{ip}}"), unit="s"),
        ]),
        row("State", [
            panel("state-timeline", "In use", "Which pool each miner works for.", (f"max by (ip, pool_index) (avalon_pool_active{{{POOL}}})", BY_POOL), w=12, mappings=YES),
            panel("state-timeline", "Alive", "Which pools answer.", (f"max by (ip, pool_index) (avalon_pool_alive{{{POOL}}})", BY_POOL), w=12, mappings=YES),
            series("Failures", "An hour: getting work, submitting shares.", (f"sum by (ip, pool_index) (increase(avalon_pool_get_failures_total{{{POOL}}}[1h]))", BY_POOL + " get"),
                   (f"sum by (ip, pool_index) (increase(avalon_pool_remote_failures_total{{{POOL}}}[1h]))", BY_POOL + " submit")),
            series("Block height", "That each pool works on; one that stays behind the others has lost touch.", (f"max by (ip, pool_index) (avalon_pool_current_block_height{{{POOL}}} > 0)", BY_POOL),
                   unit="none", decimals=0, custom={"axisSoftMin": None}),
        ]),
        row("Traffic", [
            series("Bytes", "A second, received above and sent below the line.", (f"sum by (ip) (rate(avalon_pool_bytes_recv_total{{{POOL}}}[$__rate_interval]))", "{{ip}} received"),
                   (f"-sum by (ip) (rate(avalon_pool_bytes_sent_total{{{POOL}}}[$__rate_interval]))", "{{ip}} sent"), unit="Bps", custom={"axisSoftMin": None}),
            series("Messages", "A minute, received above and sent below the line.", (f"sum by (ip) (rate(avalon_pool_times_recv_total{{{POOL}}}[$__rate_interval])) * 60", "{{ip}} received"),
                   (f"-sum by (ip) (rate(avalon_pool_times_sent_total{{{POOL}}}[$__rate_interval])) * 60", "{{ip}} sent"), unit="cpm", custom={"axisSoftMin": None}),
        ]),
    ],
    marks=[FAILOVER])

SUBSIDY = "50 / 2 ^ floor(max(avalon_pool_current_block_height) / 210000)"
BLOCKS_A_DAY = "sum(avalon_hashrate_hashes_per_second{" + MINER + "}) * 86400 / (max(avalon_network_difficulty) * 2^32)"
BTC_A_DAY = f"{BLOCKS_A_DAY} * {SUBSIDY} * (1 - $pool_fee / 100)"
KWH_PRICE = "(max(avalon_electricity_price) or on () vector($kwh_price))"
KWH_A_DAY = f"sum(avalon_power_watts{{{MINER}}}) / 1000 * 24"
COST_A_DAY = f"{KWH_A_DAY} * {KWH_PRICE}"
NEEDS_NETWORK = f"From the network difficulty and block height that the miners report; the block subsidy alone, without fees of transactions. {EXTENDED}"


def energy(window, by="", offset=""):
    """kWh of a window."""
    return f"sum{by} (increase(avalon_energy_joules_total{{{MINER}}}[{window}]{offset})) / 3.6e6"


def cost(window, by="", on="on ()", offset=""):
    """Its cost, each part at the price of its time."""
    return f"(sum{by} (increase(avalon_energy_cost_total{{{MINER}}}[{window}]{offset})) or {on} {energy(window, by, offset)} * $kwh_price)"


# Looking forward a day puts a day's bar at its beginning and lets today's grow.
FORWARD = " offset -1d"


def value(title, about, expr, **more):
    """A number of the Money dashboard."""
    return stat(title, about, expr, **{"unit": "short", "decimals": 2, "options": {"colorMode": "value"}, "thresholds": steps((BLUE, None)), **more})


SIGN = steps((RED, None), (GREEN, 0))
EACH_BLOCKS = f"sum by (ip) (avalon_hashrate_hashes_per_second{{{MINER}}}) * 86400 / on () group_left () (max(avalon_network_difficulty) * 2^32)"
EACH_BTC = f"{EACH_BLOCKS} * on () group_left () ({SUBSIDY}) * (1 - $pool_fee / 100)"
EACH_COST = f"sum by (ip) (avalon_power_watts{{{MINER}}}) / 1000 * 24 * on () group_left () {KWH_PRICE}"

money = dashboard(
    "avalon-money", "Money", "What the power costs, what the hashes are worth, and when that pays. Amounts are in the currency of ELECTRICITY_PRICE.",
    [
        miner,
        typed("btc_price", "BTC price", "60000", "Price of a bitcoin in your currency: type today's. No miner knows it."),
        typed("kwh_price", "kWh price if the exporter has none", "0.30", "Used only where ELECTRICITY_PRICE is not set at the exporter."),
        typed("pool_fee", "Pool fee, %", "0", "What the pool keeps, in per cent."),
        variable("currency", "Currency", "label_values(avalon_electricity_price, currency)"),
    ],
    [
        row("Now, by the day", [
            value("Power cost a day", f"At the power and price of this moment. {PRICE}", COST_A_DAY, thresholds=steps((ORANGE, None))),
            value("Expected bitcoin a day", NEEDS_NETWORK, BTC_A_DAY, unit="suffix: BTC", decimals=8),
            value("Its value", "At the bitcoin price typed above.", f"({BTC_A_DAY}) * $btc_price"),
            value("Profit a day", "Value less power cost, at the rates of this moment.", f"({BTC_A_DAY}) * $btc_price - {COST_A_DAY}", options={"colorMode": "background"}, thresholds=SIGN),
            value("Break-even price of power", "At which value and cost are equal; mining pays while a kWh costs less.", f"({BTC_A_DAY}) * $btc_price / ({KWH_A_DAY})", unit="suffix: /kWh", decimals=4),
            value("Break-even price of bitcoin", "At which value and cost are equal; mining pays while a bitcoin costs more.", f"{COST_A_DAY} / ({BTC_A_DAY})", decimals=0),
        ]),
        row("In the selected time (${currency})", [
            value("Energy", "Decoded power, summed up by the exporter while miners were up.", energy("$__range"), unit="kwatth"),
            value("Power cost", f"Each part at the price of its time. {PRICE} Choose This month or Previous month as the time range for a month's bill.", cost("$__range"), thresholds=steps((ORANGE, None))),
            value("Mean price of a kWh", "Cost divided by energy.", f"{cost('$__range')} / ({energy('$__range')})", decimals=4),
            value("Hashes", "Work done, as the miners count it.", f"sum(increase(avalon_hashes_total{{{MINER}}}[$__range]))", unit="sishort"),
            value("Expected bitcoin", f"For those hashes, at today's difficulty. {NEEDS_NETWORK}",
                  f"sum(increase(avalon_hashes_total{{{MINER}}}[$__range])) / (max(avalon_network_difficulty) * 2^32) * {SUBSIDY} * (1 - $pool_fee / 100)", unit="suffix: BTC", decimals=8),
            value("Cost of a bitcoin", "Power cost of the selected time divided by the bitcoin expected for its hashes.",
                  f"{cost('$__range')} / (sum(increase(avalon_hashes_total{{{MINER}}}[$__range])) / (max(avalon_network_difficulty) * 2^32) * {SUBSIDY} * (1 - $pool_fee / 100))", decimals=0),
        ]),
        row("By the day", [
            series("Energy by day", "kWh of each day; today so far.", (energy("1d", offset=FORWARD), "kWh"), unit="kwatth", interval="1d",
                   custom={"drawStyle": "bars", "fillOpacity": 60, "barAlignment": 1}),
            series("Power cost by day", f"Of each day; today so far. {PRICE}", (cost("1d", offset=FORWARD), "${currency}"), interval="1d", decimals=2,
                   custom={"drawStyle": "bars", "fillOpacity": 60, "barAlignment": 1}),
            series("Last 30 days", "Energy and cost of the 30 days before each moment.", (energy("30d"), "kWh"), (cost("30d"), "cost"), decimals=2),
            series("Price of power", f"By time of day, as the tariff has it. {PRICE}", (KWH_PRICE, "a kWh"), decimals=4, custom={"lineInterpolation": "stepAfter"}),
            series("Profit", "Value less cost, a day, at the rates of each moment and the bitcoin price typed above.", (f"({BTC_A_DAY}) * $btc_price", "value"), (COST_A_DAY, "cost"),
                   (f"({BTC_A_DAY}) * $btc_price - {COST_A_DAY}", "profit"), decimals=2, custom={"axisSoftMin": None}),
            series("Network difficulty", f"As the miners know it. {EXTENDED}", ("max(avalon_network_difficulty)", "difficulty"), unit="sishort", custom={"axisSoftMin": None}),
        ]),
        row("By the miner", [
            table("Miners", "A day at the rates of this moment.", [
                (f"sum by (ip) (avalon_power_watts{{{MINER}}}) / 1000 * 24", "kWh a day"), (EACH_COST, "Cost a day"), (EACH_BTC, "BTC a day"),
                (f"({EACH_BTC}) * $btc_price", "Value a day"), (f"({EACH_BTC}) * $btc_price - on (ip) {EACH_COST}", "Profit a day"),
                (energy("$__range", " by (ip)"), "kWh in the selected time"), (cost("$__range", " by (ip)", "on (ip)"), "Cost in the selected time"),
            ], overrides=[override("BTC a day", decimals=8), override("Profit a day", thresholds=SIGN, custom_cellOptions={"type": "color-text"}), override("ip", links=[TO_MINER])], decimals=2),
        ]),
        row("Solo", [
            value("Chance of a block in a day", f"Of at least one, all miners together. {NEEDS_NETWORK}", f"1 - exp(-({BLOCKS_A_DAY}))", unit="percentunit", decimals=6),
            value("Chance in a year", "The same for 365 days at this hash rate and difficulty.", f"1 - exp(-({BLOCKS_A_DAY}) * 365)", unit="percentunit", decimals=4),
            value("Expected time to a block", "In the mean; luck has no memory.", f"86400 / ({BLOCKS_A_DAY})", unit="s", decimals=1),
            value("A block's subsidy", "By the block height that the miners report.", SUBSIDY, unit="suffix: BTC", decimals=4),
            value("Best share", "Highest of the selected time.", f"max(max_over_time(avalon_best_share{{{MINER}}}[$__range]))", unit="sishort"),
            value("Best share of a block", f"How near it came: 100 % is a block. {EXTENDED}", f"max(max_over_time(avalon_best_share{{{MINER}}}[$__range])) / max(avalon_network_difficulty)",
                  unit="percentunit", decimals=6),
        ]),
    ],
    since="now-30d", refresh="1m")

WITH_MODE = 'on (instance, ip) group_left (work_mode) (count_values by (instance, ip) ("work_mode", avalon_work_mode) or on (instance, ip) label_replace(avalon_up, "work_mode", "-", "", "") * 0 + 1)'
WINDOW = "[$__range:$__interval]"


def mean(expr):
    """Over the selected time, by miner and work mode."""
    return f"max by (ip, work_mode) (avg_over_time(({expr} * {WITH_MODE}){WINDOW}))"


efficiency = dashboard(
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

SELF = 'job="avalon"'
exporter = dashboard(
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

GPU_WATTS = 'nvidia_smi_power_draw_watts{instance=~"$host"} or on (instance, uuid) label_replace(DCGM_FI_DEV_POWER_USAGE{instance=~"$host"}, "uuid", "$1", "UUID", "(.+)")'
GPU_TEMP = 'nvidia_smi_temperature_gpu{instance=~"$host"} or on (instance, uuid) label_replace(DCGM_FI_DEV_GPU_TEMP{instance=~"$host"}, "uuid", "$1", "UUID", "(.+)")'
GPU_USE = 'nvidia_smi_utilization_gpu_ratio{instance=~"$host"} or on (instance, uuid) label_replace(DCGM_FI_DEV_GPU_UTIL{instance=~"$host"}, "uuid", "$1", "UUID", "(.+)") / 100'
POOL_RATE = 'ethermine_miner_hashrate_{}_hps{{instance=~"$wallet"}}'
UNPAID = 'ethermine_miner_balance_unpaid_coins{instance=~"$wallet"} / $coin'

gpu = dashboard(
    "avalon-gpu", "GPU and pool", "For those who mine with a graphics card too: the card's power beside what the pool says. See prometheus/targets.d.",
    [
        variable("host", "GPU host", 'label_values({__name__=~"nvidia_smi_power_draw_watts|DCGM_FI_DEV_POWER_USAGE"}, instance)', ".+"),
        variable("wallet", "Wallet", "label_values(ethermine_miner_hashrate_current_hps, instance)", ".+"),
        typed("coin", "Units in a coin", "1e18", "The ethermine exporter gives balances in the coin's smallest unit: 1e18 wei are an ether."),
    ],
    [
        row("", [
            panel("gauge", "Hash rate", "As the pool sees it.", (POOL_RATE.format("current"), "{{instance}}"), unit="Hs", w=6, h=6, min=0, thresholds=steps((RED, None), (YELLOW, 1e6), (GREEN, 1e7))),
            panel("gauge", "Power", "Of each card, by nvidia_gpu_exporter or DCGM.", (GPU_WATTS, "{{uuid}}"), unit="watt", w=6, h=6, min=0, max=400, thresholds=steps((GREEN, None), (YELLOW, 250), (RED, 320))),
            panel("gauge", "Valid shares", "In the pool's window.", ('ethermine_miner_shares_valid{instance=~"$wallet"}', "{{instance}}"), w=6, h=6, min=0, thresholds=steps((RED, None), (GREEN, 1))),
            panel("gauge", "Unpaid balance", "At the pool, in coins.", (UNPAID, "{{instance}}"), w=6, h=6, min=0, decimals=5, thresholds=steps((BLUE, None))),
        ]),
        row("Over time", [
            series("Hash rate", "As the pool sees it now and in the mean, and as the miner reports it.", *[(POOL_RATE.format(x), x) for x in ("current", "average", "reported")], unit="Hs"),
            series("Power", "Of each card.", (GPU_WATTS, "{{uuid}}"), unit="watt"),
            series("Shares", "In the pool's window.", *[(f'ethermine_miner_shares_{x}{{instance=~"$wallet"}}', x) for x in ("valid", "stale", "invalid")]),
            series("Unpaid balance", "In coins; it falls when the pool pays.", (UNPAID, "{{instance}}"), decimals=5),
            series("Temperature", "Of each card.", (GPU_TEMP, "{{uuid}}"), unit="celsius"),
            series("Use", "Of each card.", (GPU_USE, "{{uuid}}"), unit="percentunit", max=1),
            series("Hashes a joule", "Hash rate at the pool divided by the power of all cards: a lower power limit often makes it better.",
                   (f"sum({POOL_RATE.format('average')}) / sum({GPU_WATTS})", "all"), unit="suffix: H/J"),
            series("Power cost a day", "At the power of the moment.", (f"sum({GPU_WATTS}) / 1000 * 24 * (max(avalon_electricity_price) or on () vector(0.30))", "cost"), decimals=2),
        ]),
    ],
    since="now-2d", refresh="1m")

DASHBOARDS = {"fleet": fleet, "miner": miner_board, "pools": pools, "money": money, "efficiency": efficiency, "exporter": exporter, "gpu-and-pool": gpu}


def main():
    """Writes or checks the files; the exit code is the number of files that differ."""
    check = "--check" in sys.argv[1:]
    folder = Path(__file__).parent / "dashboards"
    differ = 0
    for name, made in DASHBOARDS.items():
        path = folder / f"{name}.json"
        wanted = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text() != wanted:
            differ += 1
            print(f"{path.name} differs from grafana/dashboards.py; run: python3 grafana/dashboards.py" if check else f"wrote {path.name}")
            if not check:
                path.write_text(wanted)
    return differ if check else 0


if __name__ == "__main__":
    sys.exit(main())
