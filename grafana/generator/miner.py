"""Miner: everything that a miner reports."""

from panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, dashboard, names, override, panel, row, series, stat, steps, table, variable
from shared import (BLOCK, DOWN, EXTENDED, FAILOVER, HOT, J_PER_TH, MINER, MODES, MODE_ABOUT, POOL, RESTART, STATE, STATES, STATE_ABOUT,
                    YES, one, pool)

BOARD = dashboard(
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
