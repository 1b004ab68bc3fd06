"""What several dashboards need: selectors, expressions, thresholds, words for codes, marks. Each expression is written once.

A miner is told from others by site, instance and ip: every home has a 192.168.1.50, and with probes the instance is that
too. The label site may be absent. So every aggregation is by KEY, every join on KEY, and what is shown bears the label
`miner` that `named` makes. Dashboards of many miners select by MINERS, the one of a single miner by its own.
"""

from panels import BLUE, GREEN, GREY, NAN, ORANGE, RED, YELLOW, annotation, names, steps, variable

KEY = "site, instance, ip"
MINERS = 'site=~"$sites", ip=~"$miners"'
POOLS = f'{MINERS}, pool_index=~"$pool"'
EXTENDED = "Needs EXPORT_EXTENDED_METRICS=true."
PRICE = "From ELECTRICITY_PRICE of the exporter; if it has none, the price typed above."

# Other names than the variables of Miner, so that the links between dashboards do not carry an All there.
sites = variable("sites", "Site", "label_values(avalon_up, site)", ".*")
miners = variable("miners", "Miner", 'label_values(avalon_up{site=~"$sites"}, ip)', ".+")


def pool(where):
    """The variable for pools of the miners selected."""
    return variable("pool", "Pool", f"label_values(avalon_pool_alive{{{where}}}, pool_index)", ".+")


# The name of a miner: from the settings, else its address; with its site before it if it has one, and its instance behind it
# if others are called the same.
CALLED = (f'label_join(max by ({KEY}, name) (avalon_miner_name or on ({KEY}) label_replace(avalon_up, "name", "$1", "ip", "(.+)")), '
          '"miner", " ", "site", "name")')
TWINS = f"(count by (miner) ({CALLED}) > 1)"
NAMES = (f'label_replace({CALLED} unless on (miner) {TWINS} or label_join({CALLED} and on (miner) {TWINS}, "miner", " ", "miner", "instance"), '
         '"miner", "$1", "miner", " (.+)") * 0 + 1')


def named(expr):
    """With the label `miner`, which names the miner. The expression has the labels of KEY, and may have more."""
    return f"({expr}) * on ({KEY}) group_left (miner) ({NAMES})"


def each(metric, where=MINERS, *more):
    """A number for each miner, and for each of `more` labels of it, without the labels of the scrape."""
    return f"max by ({', '.join((KEY, *more))}) ({metric}{{{where}}})"


def or_down(expr, where=MINERS):
    """The expression, and NaN for each miner that is down; DOWN shows that as a word."""
    return f"{expr} or on ({KEY}) max by ({KEY}) (avalon_up{{{where}}} == 0) / 0"


def or_all_down(expr):
    """The expression, a single number, and NaN in its place if all miners are down."""
    return f"{expr} or on () (max(avalon_up{{{MINERS}}}) == 0) / 0"


DOWN = names({NAN: ("down", GREY)})


def state(where=MINERS):
    """Codes for states, because Grafana colours numbers. The first that holds wins."""
    return f"""max by ({KEY}) (
  avalon_up{{{where}}} == 0
  or on ({KEY}) avalon_soft_power_off == 1
  or on ({KEY}) (avalon_system_state{{state="fault"}} == 1) + 1
  or on ({KEY}) (avalon_system_state{{state="init"}} == 1) + 2
  or on ({KEY}) (avalon_system_state{{state="idle"}} == 1) + 3
  or on ({KEY}) (avalon_hashrate_hashes_per_second > bool 0) + 4
  or on ({KEY}) avalon_up + 3
) and on ({KEY}) avalon_up{{{where}}}"""


STATES = names({0: ("down", RED), 1: ("off", GREY), 2: ("fault", RED), 3: ("starting", YELLOW), 4: ("idle", ORANGE), 5: ("working", GREEN)})
STATE_ABOUT = "down: no answer; off: switched off by software (standby too); fault, starting, idle, working: what the miner says of itself."

KINDS = ["timeout", "connection_refused", "network", "parse", "other"]
WHY = f"\n  or on ({KEY}) ".join(f"(increase(avalon_scrape_errors_{kind}_total{{{MINERS}}}[5m]) > 0) * 0 + {i}" for i, kind in enumerate(KINDS, 1))
WHY = f"(max by ({KEY}) (\n  {WHY}\n) and on ({KEY}) avalon_up == 0)"
WHYS = names({1: ("no answer in time", RED), 2: ("connection refused", RED), 3: ("no way or name", RED), 4: ("answer unreadable", RED), 5: ("other", RED)})

# Power and hash rate at the times when both exist and the miner hashes: only then is their ratio an efficiency.
HASHING = "avalon_hashrate_hashes_per_second > 0"
WATTS = f"(avalon_power_watts{{{MINERS}}} and on ({KEY}) {HASHING})"
RATE = f"(avalon_hashrate_hashes_per_second{{{MINERS}}} > 0 and on ({KEY}) avalon_power_watts)"
J_PER_TH = "suffix:J/TH"

HOT = steps((BLUE, 0), (GREEN, 40), (YELLOW, 98), (RED, 105))
# A miner in standby reports 0.
COLD = names({0: ("off", GREY), NAN: ("down", GREY)})
BAD_SHARE = steps((GREEN, 0), (YELLOW, 0.02), (RED, 0.05))
NONE_IS_GOOD = steps((GREEN, 0), (RED, 1))
UP = names({0: ("down", RED), 1: ("up", GREEN)})
ALIVE = names({0: ("no", RED), 1: ("yes", GREEN)})
IN_USE = names({0: ("no", GREY), 1: ("yes", GREEN)})
MODES = names({0: ("0", BLUE), 1: ("1", GREEN), 2: ("2", ORANGE), NAN: ("down", GREY)})
MODE_ABOUT = "Nano 3S: 0 low, 1 medium, 2 high. Q: 0 eco, 1 standard, 2 super. Mini 3: 0 heating, 1 mining, 2 night."
TO_MINER = {
    "title": "Open this miner",
    "url": "/d/avalon-miner?${datasource:queryparam}&var-site=${__data.fields.site}&var-miner=${__data.fields.ip}"
           "&var-instance=${__data.fields.instance}&${__url_time_range}",
}


def marks(where, *wanted):
    """The marks wanted, of the miners selected."""
    made = {
        "down": ("Down", RED, f"((avalon_up{{{where}}} == 0) and on ({KEY}) (avalon_up offset 1m == 1)) + 1", "{{miner}} went down"),
        "failover": (
            "Fail-over", ORANGE, f"((avalon_pool_active{{{where}}} == 1) and on ({KEY}, pool_index) (avalon_pool_active offset 1m == 0))",
            "{{miner}} works for pool {{pool_index}} now"),
        "restart": ("Restart", BLUE, f"(resets(avalon_uptime_seconds{{{where}}}[2m]) > 0)", "{{miner}} was restarted"),
        "block": ("Block", YELLOW, f"(increase(avalon_blocks_found_total{{{where}}}[2m]) > 0)", "{{miner}} found a block!"),
    }
    return [annotation(title, colour, named(expr), text, "") for title, colour, expr, text in (made[one] for one in wanted)]
