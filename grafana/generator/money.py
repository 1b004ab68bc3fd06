"""Money: energy, cost, expected bitcoin, profit."""

from panels import BLUE, GREEN, ORANGE, RED, dashboard, override, row, series, stat, steps, table, typed, variable
from shared import EXTENDED, MINER, PRICE, TO_MINER, miner

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

BOARD = dashboard(
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
