"""What several dashboards need: selectors, expressions, thresholds, words for codes, marks.

MINER selects by the variable, NAME gives a miner's name from the settings, else its address.
"""

from panels import BLUE, GREEN, GREY, ORANGE, RED, YELLOW, annotation, names, steps, variable

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

one = "max by (ip) ({}{{" + MINER + "}})"  # One value a miner, without the labels of the scrape.
