"""Miner: everything that a miner reports."""

from panels import ANY, BLUE, GREEN, GREY, NAN, ORANGE, RED, YELLOW, dashboard, names, override, panel, row, series, stat, steps, table, variable
from shared import (COLD, DOWN, EXTENDED, HOT, IN_USE, J_PER_TH, KEY, MODES, MODE_ABOUT, NONE_IS_GOOD, STATES, STATE_ABOUT, each, marks, named, or_down,
                    pool, state)

# One miner, so no All: its address, and what tells it from others of that address.
THIS = 'site=~"$site", instance="$instance", ip="$miner"'
POOL = f'{THIS}, pool_index=~"$pool"'

VARIABLES = [
    # No site is a choice too, and the first, so that it is taken where a link from Fleet has none.
    variable("site", "Site", 'query_result(count by (site, choice) (label_replace(label_replace('
             'avalon_up or max_over_time(avalon_up[7d:5m]), "choice", "(none)?", "", ""), "choice", "$1", "site", "(.+)")))',
             regex='/choice="(?<value>(?<text>[^"?]+)\\??)"/'),
    variable("miner", "Miner", 'label_values(avalon_up{site=~"$site"}, ip)'),
    # The one that was heard last comes first: others may be former names of it, which Prometheus still remembers.
    variable("instance", "Exporter", 'query_result(sort_desc(max by (site, instance) ('
             'timestamp(avalon_up{site=~"$site", ip="$miner"}) or max_over_time(timestamp(avalon_up{site=~"$site", ip="$miner"})[7d:5m]))))',
             regex='/instance="([^"]+)"/', sort=0),
    pool(THIS),
]


def one(metric):
    """A number of the miner, without the labels of the scrape."""
    return each(metric, THIS)


def now(title, about, metric, *colours, mappings=(), **more):
    """A number of this moment. A miner that is down has none, and the tile says so."""
    return stat(title, about, or_down(one(metric), THIS), thresholds=steps(*colours), mappings=list(mappings) or DOWN, **more)


def best(window):
    """Highest best share of a window."""
    return f"max by ({KEY}) (max_over_time(avalon_best_share{{{THIS}}}[{window}]))"


IDENTITY = ("model", "prod", "firmware", "cgminer", "api", "hwtype", "swtype", "mac", "dna")
BIG = {"options": {"colorMode": "value"}}

BOARD = dashboard(
    "avalon-miner", "Miner", "Everything that a miner reports.", VARIABLES,
    [
        row("", [
            stat("State", STATE_ABOUT, named(state(THIS)), "{{miner}}", mappings=STATES, options={"textMode": "value_and_name"}, none="no data"),
            now("Hash rate", "What the miner reports now.", "avalon_hashrate_hashes_per_second", (GREEN, 1), unit="Hs", decimals=2, **BIG),
            now("Power", "Decoded from the supply's report, by model; at the input or the wall but for the A10, whose supply knows the board's alone.",
                "avalon_power_watts", (ORANGE, 0), unit="watt", **BIG),
            now("Efficiency", "Power divided by hash rate, while it hashes.", "avalon_efficiency_joules_per_terahash", (BLUE, 0), unit=J_PER_TH, decimals=1, **BIG),
            stat("Hottest chip", "As the miner reports it, 0 in standby.", or_down(one("avalon_temp_max_celsius"), THIS), unit="celsius", thresholds=HOT, mappings=COLD),
            now("Running for", "Since the mining program started.", "avalon_uptime_seconds", (BLUE, 0), unit="s"),
            stat("Best share, 24 h", "Highest reading of the last 24 hours of what the miner calls its best share, which it counts from its own start.",
                 best("24h"), unit="sishort", thresholds=steps((BLUE, 0))),
            stat("Best share, range", "Highest reading of the selected time range: choose the range as far back as data goes.",
                 best("$__range"), unit="sishort", thresholds=steps((BLUE, 0))),
            stat("Work mode", MODE_ABOUT + " Other models have none.", or_down(one("avalon_work_mode"), THIS), mappings=MODES),
            now("Blocks found", "Since the miner's start.", "avalon_blocks_found_total", (YELLOW, 1)),
            now("Soft-off reason", "0: it is not off. 4: standby on the Q.", "avalon_soft_off_reason", (ORANGE, 1),
                mappings=names({0: ("on", GREEN), 4: ("standby", GREY), NAN: ("down", GREY)})),
            now("Wi-Fi", f"Signal strength; below -75 dBm expect trouble. None on a cable. {EXTENDED}", "avalon_wifi_rssi_dbm",
                (RED, ANY), (YELLOW, -75), (GREEN, -67), unit="dBm", none="none"),
            table("Identity", "What the miner says it is, kept while it is down.", [
                (named(each("avalon_info", THIS, *IDENTITY)), ""),
                (named(one("avalon_total_asics")), "Chips"), (named(one("avalon_hash_boards")), "Boards"),
            ], last=IDENTITY, h=4),
        ]),
        row("Hash rate", [
            series("Hash rate", "Now; what the clocks should give (theoretical); mean since the start. In standby the last two are of the last run.",
                   (one("avalon_hashrate_ghs") + " * 1e9", "now"), (one("avalon_hashrate_moving_ghs") + " * 1e9", "theoretical"),
                   (one("avalon_hashrate_avg_ghs") + " * 1e9", "mean"), unit="Hs"),
            series("Hash rate, smoothed", "The miner's own means over 1, 5 and 15 minutes.", *[
                (one(f"avalon_hashrate_{w}_ghs") + " * 1e9", w) for w in ("1m", "5m", "15m")], unit="Hs"),
            series("Clock", "Mean clock of the chips.", (one("avalon_frequency_mhz") + " * 1e6", "clock"), unit="hertz", w=8),
            series("Work utility", "Difficulty-1 shares a minute: of the device, and of the summary.", (one("avalon_work_utility"), "device"),
                   (one("avalon_work_utility_summary"), "summary"), w=8),
            series("Hardware errors", "Error rate of the chips: long and of late. A few per cent are usual.", (one("avalon_hw_error_rate_percent"), "long"),
                   (one("avalon_hw_error_rate_speed_percent"), "of late"),
                   (one("avalon_device_hw_error_percent"), "device"), unit="percent", w=8),
        ]),
        row("Temperature and fans", [
            series("Chips", "Hottest, mean, and what the miner regulates to.", (one("avalon_temp_max_celsius"), "hottest"),
                   (one("avalon_temp_avg_celsius"), "mean"), (one("avalon_temp_target_celsius"), "target"), unit="celsius"),
            series("Air and board", "Inlet, outlet and ambient air, and the sensors on the board, as far as the model has them; -273, which means no sensor, is left out.",
                   (one("avalon_temp_inlet_celsius") + " > -200", "inlet"), (one("avalon_temp_outlet_celsius"), "outlet"),
                   (one("avalon_temp_ambient_celsius") + " > -200", "ambient"), (one("avalon_temp_current_celsius"), "Temp"),
                   (f"max by ({KEY}, position) (avalon_temp_board_celsius{{{THIS}}})", "board {{position}}"), unit="celsius"),
            series("Fans", "Revolutions a minute. A fan that is not fitted reads 0.", (f"max by ({KEY}, fan) (avalon_fan_rpm{{{THIS}}})", "fan {{fan}}"), unit="rotrpm"),
            series("Fan duty", "How hard the miner drives its fans.", (one("avalon_fan_duty_percent"), "duty"), unit="percent", max=100),
        ]),
        row("Power", [
            series("Power", "Measured, beside the limit of the work mode (a setting).", (one("avalon_power_watts"), "power"), (one("avalon_mpo_target"), "limit"),
                   unit="watt"),
            series("Efficiency", "Power divided by hash rate.", (one("avalon_efficiency_joules_per_terahash"), "efficiency"), unit=J_PER_TH, custom={"axisSoftMin": None}),
            series("Supply: volts", "At its input, at its output, and what it is set to; each only where the model reports it.", *[
                (one(f"avalon_psu_{x}_volts"), x) for x in ("input", "output", "set")], unit="volt", w=8),
            series("Supply: output", "Current and power at the supply's output, where the model reports them.",
                   (one("avalon_psu_output_amperes"), "A"), (one("avalon_psu_output_watts"), "W"), unit="short", w=8),
            series("Supply: as sent", "The raw numbers, whose unit depends on the model: for comparing with the Python exporter's dashboards.", *[
                (one(f"avalon_power_{x}"), x) for x in ("vout", "iout", "vout_cmd", "pout_wall", "err")], w=8),
        ]),
        row("Errors and boards", [
            table("Error codes", "Error bits of supply, controller and boards. 0 is fine; 512 is usual on the boards of healthy A10s.", [
                (named(one("avalon_psu_error_code")), "Supply"), (named(one("avalon_controller_error_code")), "Controller"),
                (named(one("avalon_board_error_code")), "Boards"), (named(each("avalon_system_state", THIS + ', state="fault"')), "Fault"),
            ], w=8, h=6, overrides=[override(c, thresholds=NONE_IS_GOOD, custom_cellOptions={"type": "color-text"}) for c in
                                    ("Supply", "Controller", "Boards", "Fault")]),
            series("Boards: hash rate", "Of each board, while it works.", (f"max by ({KEY}, board) (avalon_board_hashrate_hashes_per_second{{{THIS}}})", "board {{board}}"),
                   unit="Hs", w=8, h=6),
            series("Boards: temperature", "Hottest and mean chip of each board, while it works.",
                   (f"max by ({KEY}, board) (avalon_board_temp_max_celsius{{{THIS}}})", "board {{board}} hottest"),
                   (f"max by ({KEY}, board) (avalon_board_temp_avg_celsius{{{THIS}}})", "board {{board}} mean"), unit="celsius", w=8, h=6),
            series("Boards: errors", "Hardware and link errors a minute of each board, and of the whole miner.",
                   (f"sum by ({KEY}, board) (rate(avalon_board_hw_errors_total{{{THIS}}}[$__rate_interval])) * 60", "board {{board}} hardware"),
                   (f"sum by ({KEY}, board) (rate(avalon_board_crc_errors_total{{{THIS}}}[$__rate_interval])) * 60", "board {{board}} link"),
                   (f"sum by ({KEY}) (rate(avalon_hw_errors_total{{{THIS}}}[$__rate_interval])) * 60", "hardware"), unit="cpm"),
            series("Restarts and downs", "Restarts of the mining program, and times the miner stopped answering, in an hour.",
                   (f"max by ({KEY}) (resets(avalon_uptime_seconds{{{THIS}}}[1h]))", "restarts"),
                   (f"max by ({KEY}) (increase(avalon_status_downs_total{{{THIS}}}[1h]))", "downs")),
        ]),
        row("Shares and pools", [
            series("Accepted shares", "A minute, by pool.", (f"sum by ({KEY}, pool_index) (rate(avalon_pool_shares_accepted_total{{{POOL}}}[$__rate_interval])) * 60", "pool {{pool_index}}"),
                   unit="cpm", w=8),
            series("Rejected and stale shares", "Part of all shares, by pool, as the miner counts since its start.",
                   (f"max by ({KEY}, pool_index) (avalon_pool_rejected_percent{{{POOL}}})", "pool {{pool_index}} rejected"),
                   (f"max by ({KEY}, pool_index) (avalon_pool_stale_percent{{{POOL}}})", "pool {{pool_index}} stale"), unit="percent", w=8),
            panel("state-timeline", "Pool in use", "Which pool the miner works for.", (f"max by ({KEY}, pool_index) (avalon_pool_active{{{POOL}}})", "pool {{pool_index}}"),
                  mappings=IN_USE, w=8),
            series("Best share", "Of the miner, and for each pool, since the miner's start.", (one("avalon_best_share"), "miner"),
                   (f"max by ({KEY}, pool_index) (avalon_pool_best_share{{{POOL}}})", "pool {{pool_index}}"), unit="sishort", w=8),
            series("Round trip", "Mean of the last share submissions.", (one("avalon_ping_seconds"), "round trip"), unit="s", w=8),
            series("Pool failures", "An hour, as the miner counts them.", (f"max by ({KEY}) (increase(avalon_pool_failures_total{{{THIS}}}[1h]))", "failures"), w=8),
        ]),
        row("Network and controller", [
            series("Wi-Fi", f"Signal strength; no curve on a cable. {EXTENDED}", (one("avalon_wifi_rssi_dbm"), "signal"), unit="dBm", w=8, custom={"axisSoftMin": -90}),
            series("Free memory", "Of the controller.", (one("avalon_memory_free_bytes"), "free"), unit="bytes", w=8),
            series("Dust filter", f"Running time since the filter was last reset; the alert comes after 90 days. {EXTENDED}", (one("avalon_filter_runtime_seconds"), "filter"),
                   unit="s", w=8),
        ]),
        row("Chips, in sum", [
            series("Chip temperature", "Coolest, mean and hottest. In standby those of the last run.", *[
                (one(f"avalon_chip_temp_{x}_celsius"), x) for x in ("min", "avg", "max")], unit="celsius", w=8),
            series("Chip voltage", "Lowest, mean and highest core voltage, while the chips work.", *[
                (one(f"avalon_chip_core_{x}_volts"), x) for x in ("min", "avg", "max")], unit="volt", w=8, custom={"axisSoftMin": None}),
            series("Chip work", "Fewest, mean and most nonces of a chip, and all together.", *[
                (one(f"avalon_chip_matching_work_{x}"), x) for x in ("min", "avg", "max", "sum")], unit="sishort", w=8),
            series("Chip voltage, as the Python exporter gives it", "The raw voltage divided by 100: ten times the true one.", *[
                (one(f"avalon_chip_voltage_{x}_volts"), x) for x in ("min", "avg", "max")], unit="short", custom={"axisSoftMin": None}),
            series("Chips", "How many report.", (one("avalon_chip_count"), "chips")),
        ], collapsed=True),
        row("Every chip (needs EXPORT_CHIP_METRICS=true)", [
            series("Temperature", "Of each chip. In standby that of the last run.", (f"max by ({KEY}, chip) (avalon_chip_temp_celsius{{{THIS}}})", "{{chip}}"), unit="celsius", w=24),
            series("Core voltage", "Of each chip, while it works.", (f"max by ({KEY}, chip) (avalon_chip_core_volts{{{THIS}}})", "{{chip}}"), unit="volt", w=24, custom={"axisSoftMin": None}),
            series("Nonces found", "By each chip; a chip that lags behind the others is weak.", (f"max by ({KEY}, chip) (avalon_chip_matching_work{{{THIS}}})", "{{chip}}"), unit="sishort", w=24),
            series("Voltage, as the Python exporter gives it", "The raw voltage divided by 100: ten times the true one.",
                   (f"max by ({KEY}, chip) (avalon_chip_voltage_volts{{{THIS}}})", "{{chip}}"), unit="short", w=24, custom={"axisSoftMin": None}),
        ], collapsed=True),
    ],
    marks=marks(THIS, "down", "failover", "restart", "block"))
