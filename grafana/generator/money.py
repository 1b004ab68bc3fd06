"""Money: energy, cost, expected bitcoin, profit."""

from panels import ANY, BLUE, GREEN, ORANGE, RED, dashboard, override, row, series, stat, steps, table, typed, variable
from shared import DOWN, EXTENDED, KEY, MINERS, PRICE, TO_MINER, miners, named, or_all_down, sites

SUBSIDY = "50 / 2 ^ floor(max(avalon_pool_current_block_height) / 210000)"
DIFFICULTY = "max(avalon_network_difficulty)"
HASH_RATE = f"sum(avalon_hashrate_hashes_per_second{{{MINERS}}})"
BLOCKS_A_DAY = f"{HASH_RATE} * 86400 / ({DIFFICULTY} * 2^32)"
BTC_A_DAY = f"{BLOCKS_A_DAY} * {SUBSIDY} * (1 - $pool_fee / 100)"
NEEDS_NETWORK = f"From the network difficulty and block height that the miners report; the block subsidy alone, without fees of transactions. {EXTENDED}"

# The price that holds where a miner is: that of its exporter; with probes, which have none, that of its site; else the one typed.
PLACE = "site, instance"
PLACES = f"max by ({PLACE}) (avalon_up) * 0"
KWH_PRICE = f"""(
  max by ({PLACE}) (avalon_electricity_price)
  or on ({PLACE}) {PLACES} + on (site) group_left () max by (site) (avalon_electricity_price)
  or on ({PLACE}) {PLACES} + $kwh_price
)"""
EACH_KWH = f"sum by ({KEY}) (avalon_power_watts{{{MINERS}}}) / 1000 * 24"
EACH_COST = f"{EACH_KWH} * on ({PLACE}) group_left () {KWH_PRICE}"
EACH_BTC = (f"sum by ({KEY}) (avalon_hashrate_hashes_per_second{{{MINERS}}}) * 86400 / on () group_left () ({DIFFICULTY} * 2^32)"
            f" * on () group_left () ({SUBSIDY}) * (1 - $pool_fee / 100)")
KWH_A_DAY = f"sum({EACH_KWH})"
COST_A_DAY = f"sum({EACH_COST})"
HASHES = f"sum(increase(avalon_hashes_total{{{MINERS}}}[$__range]))"
BTC_OF_RANGE = f"{HASHES} / ({DIFFICULTY} * 2^32) * {SUBSIDY} * (1 - $pool_fee / 100)"


def each_energy(window, offset=""):
    """kWh of each miner in a window."""
    return f"sum by ({KEY}) (increase(avalon_energy_joules_total{{{MINERS}}}[{window}]{offset})) / 3.6e6"


def each_cost(window, offset=""):
    """Its cost, each part at the price of its time; without a price at the exporter, at the one typed."""
    counted = f"sum by ({KEY}) (increase(avalon_energy_cost_total{{{MINERS}}}[{window}]{offset}))"
    return f"({counted} or on ({KEY}) {each_energy(window, offset)} * $kwh_price)"


def energy(window, offset=""):
    """kWh of all miners in a window."""
    return f"sum({each_energy(window, offset)})"


def cost(window, offset=""):
    """Cost of all miners in a window."""
    return f"sum({each_cost(window, offset)})"


# Looking forward a day puts a day's bar at its beginning and lets today's grow. Its beginning is in any range of a day, and may
# not be in a shorter one.
FORWARD = " offset -1d"
DAYS = " and on () (vector($__range_s) >= 86399)"
BARS = {"interval": "1d", "custom": {"drawStyle": "bars", "fillOpacity": 60, "barAlignment": 1},
        "noValue": "A bar for each day, today's from its first minutes on. Choose a time range of a day or more."}
SOON = "Nothing yet: over so long a time range, the first point comes within the hour. Choose a shorter one to see it sooner."

NO_POWER, NO_DIFFICULTY = "no power known", "no difficulty known"


def value(title, about, expr, *colours, **more):
    """A number of the Money dashboard."""
    return stat(title, about, expr, **{"unit": "short", "decimals": 2, "options": {"colorMode": "value"}, "thresholds": steps(*colours or [(BLUE, 0)]),
                                       "mappings": DOWN, **more})


SIGN = ((RED, ANY), (GREEN, 0))

BOARD = dashboard(
    "avalon-money", "Money", "What the power costs, what the hashes are worth, and when that pays. Amounts are in the currency of ELECTRICITY_PRICE.",
    [
        sites,
        miners,
        typed("btc_price", "BTC price", "60000", "Price of a bitcoin in your currency: type today's. No miner knows it."),
        typed("kwh_price", "kWh price if the exporter has none", "0.30", "Used only where ELECTRICITY_PRICE is not set at the exporter."),
        typed("pool_fee", "Pool fee, %", "0", "What the pool keeps, in per cent."),
        variable("currency", "Currency", "label_values(avalon_electricity_price, currency)"),
    ],
    [
        row("Now, by the day", [
            value("Power cost a day", f"At the power and price of this moment. {PRICE}", or_all_down(COST_A_DAY), (ORANGE, 0), none=NO_POWER),
            value("Expected bitcoin a day", NEEDS_NETWORK, or_all_down(BTC_A_DAY), unit="suffix:BTC", decimals=8, none=NO_DIFFICULTY),
            value("Its value", "At the bitcoin price typed above.", or_all_down(f"({BTC_A_DAY}) * $btc_price"), none=NO_DIFFICULTY),
            value("Profit a day", "Value less power cost, at the rates of this moment.", or_all_down(f"({BTC_A_DAY}) * $btc_price - {COST_A_DAY}"), *SIGN,
                  options={"colorMode": "background"}, none="–"),
            value("Break-even price of power", "At which value and cost are equal; mining pays while a kWh costs less.", or_all_down(f"({BTC_A_DAY}) * $btc_price / ({KWH_A_DAY})"),
                  unit="suffix:/kWh", decimals=4),
            value("Break-even price of bitcoin", "At which value and cost are equal; mining pays while a bitcoin costs more.", or_all_down(f"{COST_A_DAY} / ({BTC_A_DAY})"), decimals=0),
        ]),
        row("In the selected time (${currency})", [
            value("Energy", "Decoded power, summed up by the exporter while miners were up.", energy("$__range"), unit="kwatth", none=NO_POWER),
            value("Power cost", f"Each part at the price of its time. {PRICE} Choose This month or Previous month as the time range for a month's bill.", cost("$__range"), (ORANGE, 0),
                  none=NO_POWER),
            value("Mean price of a kWh", "Cost divided by energy.", f"{cost('$__range')} / ({energy('$__range')} > 0)", decimals=4),
            value("Hashes", "Work done, as the miners count it.", HASHES, unit="sishort"),
            value("Expected bitcoin", f"For those hashes, at today's difficulty. {NEEDS_NETWORK}", BTC_OF_RANGE, unit="suffix:BTC", decimals=8, none=NO_DIFFICULTY),
            value("Cost of a bitcoin", "Power cost of the selected time divided by the bitcoin expected for its hashes.", f"{cost('$__range')} / ({BTC_OF_RANGE} > 0)", decimals=0),
        ]),
        row("By the day", [
            series("Energy by day", "kWh of each day; today so far.", (energy("1d", FORWARD) + DAYS, "kWh"), unit="kwatth", **BARS),
            series("Power cost by day", f"Of each day; today so far. {PRICE}", (cost("1d", FORWARD) + DAYS, "${currency}"), decimals=2, **BARS),
            series("Last 30 days", "Energy and cost of the 30 days before each moment.", (energy("30d"), "kWh"), (cost("30d"), "cost"), decimals=2, noValue=SOON),
            series("Price of power", f"By time of day, as the tariff has it. {PRICE}", (f"max by (site) {KWH_PRICE}", "{{site}} a kWh"), decimals=4,
                   custom={"lineInterpolation": "stepAfter"}, noValue=SOON),
            series("Profit", "Value less cost, a day, at the rates of each moment and the bitcoin price typed above.", (f"({BTC_A_DAY}) * $btc_price", "value"), (COST_A_DAY, "cost"),
                   (f"({BTC_A_DAY}) * $btc_price - {COST_A_DAY}", "profit"), decimals=2, custom={"axisSoftMin": None}, noValue=SOON),
            series("Network difficulty", f"As the miners know it. {EXTENDED}", (DIFFICULTY, "difficulty"), unit="sishort", custom={"axisSoftMin": None}, noValue=SOON),
        ]),
        row("By the miner", [
            table("Miners", "A day at the rates of this moment.", [
                (named(EACH_KWH), "kWh a day"), (named(EACH_COST), "Cost a day"), (named(EACH_BTC), "BTC a day"),
                (named(f"{EACH_BTC} * $btc_price"), "Value a day"), (named(f"{EACH_BTC} * $btc_price - on ({KEY}) {EACH_COST}"), "Profit a day"),
                (named(each_energy("$__range")), "kWh in the selected time"), (named(each_cost("$__range")), "Cost in the selected time"),
            ], overrides=[override("BTC a day", decimals=8), override("Profit a day", thresholds=steps(*SIGN), custom_cellOptions={"type": "color-text"}), override("miner", links=[TO_MINER])],
                decimals=2),
        ]),
        row("Solo", [
            value("Chance of a block in a day", f"Of at least one, all miners together. {NEEDS_NETWORK}", or_all_down(f"1 - exp(-({BLOCKS_A_DAY}))"), unit="percentunit", decimals=6,
                  none=NO_DIFFICULTY),
            value("Chance in a year", "The same for 365 days at this hash rate and difficulty.", or_all_down(f"1 - exp(-({BLOCKS_A_DAY}) * 365)"), unit="percentunit", decimals=4,
                  none=NO_DIFFICULTY),
            value("Expected time to a block", "In the mean; luck has no memory.", or_all_down(f"86400 / ({BLOCKS_A_DAY} > 0)"), unit="s", decimals=1, none=NO_DIFFICULTY),
            value("A block's subsidy", "By the block height that the miners report.", or_all_down(SUBSIDY), unit="suffix:BTC", decimals=4, none="no height known"),
            value("Best share", "Highest of the selected time.", f"max(max_over_time(avalon_best_share{{{MINERS}}}[$__range]))", unit="sishort"),
            value("Best share of a block", f"How near it came: 100 % is a block. {EXTENDED}", f"max(max_over_time(avalon_best_share{{{MINERS}}}[$__range])) / {DIFFICULTY}",
                  unit="percentunit", decimals=6, none=NO_DIFFICULTY),
        ]),
    ],
    since="now-30d", refresh="1m")
