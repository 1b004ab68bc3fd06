"""The right answers to what the panels ask of the worlds of world.py, worked out by hand from the pages there.

Where a panel has one number, its answer is [text, colour]; else see shown.cjs. Of rows and curves only what is named is
compared, but all rows have to be there.
"""

NO_SITE = "(none)?"  # a regular expression that fits the label's absence
GARAGE = {"site": NO_SITE, "instance": "exporter:9100", "miner": "192.168.1.50"}
OFFICE = GARAGE | {"miner": "192.168.1.51"}
LOST = GARAGE | {"miner": "192.168.1.52"}
COTTAGE = GARAGE | {"site": "cottage"}
DOWN, ABSENT = ["down", "grey"], ["–", "grey"]
WELL = {"State": ["working", "green"], "Pool": ["well", "green"], "Why": "", "Down for": ""}
YES, NO, DEAD = ["yes", "green"], ["no", "grey"], ["no", "red"]
LOST_PARTS = [["up", "green", 2460], ["down", "red", 1140]]
UP_PARTS = [["up", "green", 3600]]
CARD, CARD_1, CARD_2 = (f"00000000-0000-0000-0000-00000000000{i}" for i in range(3))
CARD_A, CARD_B = "1c67088e-9ecb-4564-bb97-6151ecc2ef64", "ef427e4f-1970-42f2-ab0c-ecf0e56a33b9"


# What Money says to a new user in the place of curves.
BARS_COME = "A bar for each day, today's from its first minutes on. Choose a time range of a day or more."
POINTS_COME = "Nothing yet: over so long a time range, the first point comes within the hour. Choose a shorter one to see it sooner."


def parts(first, second):
    """A fail-over of five minutes half an hour ago."""
    return [[*first, 1800], [*second, 300], [*first, 1500]]


# Four miners at home. 6.42303 TH/s at 132 W (garage), 0 at 146 W in standby (office), 37.9114 at a power that is not known
# (heater), and one of 199.241 at 3,731 W that is down for 20 minutes. A kWh costs 0.30; a block takes 138,966,872,071,213.2 * 2^32
# hashes and brings 3.125 BTC.
ANSWERS = {
    ("four", "fleet"): {
        "Up": ["3", "green"],
        "Down": ["1", "red"],
        "Hash rate": ["44.3 TH/s", "green"],
        "Power": ["278 W", "orange"],
        "Efficiency": ["20.6 J/TH", "blue"],  # of the garage alone: of no other are both known
        "Hottest chip": ["96 °C", "green"],
        "State": [["garage", "working", "green"], ["office", "off", "grey"], ["192.168.1.52", "down", "red"], ["heater", "working", "green"]],
        "Miners": [
            {"Miner": "garage", "Address": "192.168.1.50", "Hash rate": "6.42 TH/s", "Power": "132 W", "J/TH": "20.6", "Hottest chip": ["96 °C", "green"], "Fan": "36%",
             "Mode": "2", "Model": "Nano3s", "Firmware": "25021401_56abae7", **WELL},
            {"Miner": "office", "State": ["off", "grey"], "Hash rate": "0.00 H/s", "Power": "146 W", "J/TH": "", "Hottest chip": ["off", "grey"], "Running for": "10.5 hours"},
            {"Miner": "192.168.1.52", "State": ["down", "red"], "Why": ["no answer in time", "red"], "Down for": "20 mins", "Hash rate": "", "Power": "", "J/TH": "",
             "Hottest chip": "", "Pool": "", "Running for": "", "Model": "15-194"},
            {"Miner": "heater", "Hash rate": "37.91 TH/s", "Power": "", "J/TH": "", **WELL},
        ],
        "Hash rate, timeseries": {"garage": "6.42 TH/s", "office": "0 H/s", "heater": "37.9 TH/s"},
        "Availability": {"garage": UP_PARTS, "office": UP_PARTS, "heater": UP_PARTS, "192.168.1.52": LOST_PARTS},
    },
    ("four", "miner"): {
        "variables": GARAGE,
        "State": ["working", "green"],
        "Hash rate": ["6.42 TH/s", "green"],
        "Power": ["132 W", "orange"],
        "Efficiency": ["20.6 J/TH", "blue"],
        "Hottest chip": ["96 °C", "green"],
        "Running for": ["40 mins", "blue"],
        "Best share, 24 h": ["111 M", "blue"],
        "Work mode": ["2", "orange"],
        "Blocks found": ["1", "yellow"],
        "Soft-off reason": ["on", "green"],
        "Wi-Fi": ["-55 dbm", "green"],
        "Identity": [{"Miner": "garage", "Chips": "12", "Boards": "1", "Model": "Nano3s", "API": "3.7", "DNA": "0201000000000001", "MAC": "e0e1a9000001",
                      "Firmware": "25021401_56abae7"}],
        "Error codes": [{"Supply": ["0", "green"], "Controller": ["0", "green"], "Boards": ["0", "green"], "Fault": ["0", "green"]}],
        "Pool in use": {"pool 0": parts(YES, NO), "pool 1": parts(NO, YES), "pool 2": [[*NO, 3600]]},
    },
    ("four", "pools"): {
        "Alive": ["7", "green"],  # three of the garage, one of the office, three of the heater
        "Dead": ["0", "green"],
        "On a backup": ["0", "green"],
        "Accepted": ["11.4 c/m", "green"],  # 0.095 in a second for each that hashes
        "Rejected, 1 h": ["3.00%", "yellow"],
        "Stale, 1 h": ["2.00%", "yellow"],
        "Pools": [
            *({"Miner": name, "Pool": str(i), "URL": "stratum+tcp://stratum.braiins.com:3333", "Priority": str(i), "Alive": YES, "Active": YES if i == 0 else NO}
              for name in ("garage", "heater") for i in range(3)),
            {"Miner": "office", "Pool": "0", "URL": "stratum+tcp://pool.example.com:4444", "Alive": YES, "Active": YES, "Accepted": "890", "Block": "907089"},
        ],
        "Work done, by difficulty": {"heater": "37.9 TH/s", "192.168.1.52": "199 TH/s"},
        "In use": {"garage pool 0": parts(YES, NO), "garage pool 1": parts(NO, YES), "heater pool 0": [[*YES, 3600]]},
        "Alive, state-timeline": {"garage pool 0": parts(YES, DEAD), "garage pool 1": [[*YES, 3600]], "heater pool 2": [[*YES, 3600]]},
    },
    ("four", "money"): {
        "Power cost a day": ["2.00", "orange"],  # 0.278 kW * 24 h * 0.30
        "Expected bitcoin a day": ["0.00002006 BTC", "blue"],
        "Its value": ["1.20", "blue"],
        "Profit a day": ["-0.80", "red"],
        "Break-even price of power": ["0.1804 /kWh", "blue"],
        "Break-even price of bitcoin": ["100 K", "blue"],
        "Energy": ["2.77 kWh", "blue"],  # 132 Wh, 146 Wh, and 3,731 W for 40 minutes
        "Power cost": ["0.83", "orange"],
        "Mean price of a kWh": ["0.3000", "blue"],
        "Hashes": ["643.76 P", "blue"],  # 40 minutes of the third, and the half minute that Prometheus adds where a series ends
        "Expected bitcoin": ["0.00000337 BTC", "blue"],
        "Price of power": {"a kWh": "0.3000"},
        "Energy by day": BARS_COME, "Power cost by day": BARS_COME,  # in an hour there is no bar
        "Miners": [
            {"Miner": "garage", "kWh a day": "3.17", "Cost a day": "0.95", "BTC a day": "0.00000291", "Value a day": "0.17", "Profit a day": ["-0.78", "red"],
             "kWh in the selected time": "0.13", "Cost in the selected time": "0.04"},
            {"Miner": "office", "kWh a day": "3.50", "Cost a day": "1.05", "Value a day": "0.00", "Profit a day": ["-1.05", "red"]},
            {"Miner": "heater", "kWh a day": "", "Cost a day": "", "BTC a day": "0.00001715", "Profit a day": ""},
            {"Miner": "192.168.1.52", "kWh a day": "", "BTC a day": "", "kWh in the selected time": "2.49", "Cost in the selected time": "0.75"},
        ],
        "Chance of a block in a day": ["0.000642%", "blue"],
        "Chance in a year": ["0.2340%", "blue"],
        "Expected time to a block": ["426.6 years", "blue"],
        "A block's subsidy": ["3.1250 BTC", "blue"],
        "Best share": ["354.91 M", "blue"],
        "Best share of a block": ["0.000255%", "blue"],
    },
    ("four", "efficiency"): {
        "Power against hash rate": {"1": ["199 TH/s", "3.73 kW"], "2": ["6.42 TH/s", "132 W"]},
        "By work mode": [
            {"Miner": "garage", "Mode": "2", "Hash rate": "6.42 TH/s", "Power": "132 W", "J/TH": "20.55"},
            {"Miner": "192.168.1.52", "Mode": "1", "Hash rate": "199.24 TH/s", "Power": "3.73 kW", "J/TH": "18.73"},
        ],
        "Efficiency of all": {"all": "20.6 J/TH"},
        "Paid work against hashes": {"garage": "100%", "192.168.1.52": "100%"},
    },
    ("four", "exporter"): {
        "Exporter": ["up", "green"],
        "Version": ["1.0.0", "blue"],
        "Running for": ["2 hours", "blue"],
        "Failed polls, 1 h": ["120", "red"],
        "Skipped polls, 1 h": ["0", "green"],
        "Failed polls": {"all": "6 c/m", "192.168.1.52 timeout": "6 c/m"},
        "Age of the last answer": {"garage": "0 s", "192.168.1.52": "20 mins"},
    },
    # A card of driver 465 that DCGM sees too, at another port and with GPU- before its uuid; and one that DCGM alone sees.
    ("four", "gpu-and-pool"): {
        "Hash rate": ["93.1 MH/s", "green"],
        "Power": [[CARD_1, "30.4 W", "green"], [CARD_2, "117 W", "green"]],
        "Valid shares": ["80", "green"],
        "Unpaid balance": ["0.01086", "blue"],
        "Hash rate, timeseries": {"current 0x00": "93.1 MH/s", "average 0x00": "87.8 MH/s", "reported 0x00": "91.5 MH/s"},
        "Power, timeseries": {CARD_1: "30.4 W", CARD_2: "117 W"},
        "Shares": {"valid 0x00": "80", "stale 0x00": "1", "invalid 0x00": "0"},
        "Unpaid balance, timeseries": {"0x00": "0.01086"},
        "Temperature": {CARD_1: "32 °C", CARD_2: "61 °C"},
        "Use": {CARD_1: "0%", CARD_2: "100%"},
        "Hashes a joule": {"all": "595988 H/J"},  # 87.75 MH/s by 147.24 W
        "Power cost a day": {"cost": "1.06"},
    },

    # Six of equal address, one of them down. What they are called tells them apart, and the sums count all.
    ("sites", "fleet"): {
        "Up": ["5", "green"],
        "Down": ["1", "red"],
        "Hash rate": ["246.9 TH/s", "green"],  # 6.42303 + 3.3324 + 37.9114 + 0 + 199.24107
        "Power": ["4.93 kW", "orange"],  # 132 + 92 + 824 + 146 + 3,731
        "Efficiency": ["19.4 J/TH", "blue"],  # without the one in standby: 4,779 W
        "State": [["home garage", "working", "green"], ["cottage garage", "working", "green"], ["barn 192.168.1.50", "working", "green"],
                  ["shed 192.168.1.50", "off", "grey"], ["garage pi:9100", "working", "green"], ["garage pi2:9100", "down", "red"]],
        "Miners": [
            {"Miner": "home garage", "Hash rate": "6.42 TH/s", "Power": "132 W", "Model": "Nano3s", **WELL},
            {"Miner": "cottage garage", "Hash rate": "3.33 TH/s", "Power": "92 W", "Model": "nano3", **WELL},
            {"Miner": "barn 192.168.1.50", "Hash rate": "37.91 TH/s", "Power": "824 W", "Model": "Mini3", **WELL},
            {"Miner": "shed 192.168.1.50", "State": ["off", "grey"], "Hash rate": "0.00 H/s", "Power": "146 W", "Model": "Q"},
            {"Miner": "garage pi:9100", "Hash rate": "199.24 TH/s", "Power": "3.73 kW", "Model": "15-194", **WELL},
            {"Miner": "garage pi2:9100", "State": ["down", "red"], "Why": ["no answer in time", "red"], "Hash rate": "", "Power": "", "Model": "Nano3s"},
        ],
        "Availability": {"home garage": UP_PARTS, "cottage garage": UP_PARTS, "garage pi2:9100": LOST_PARTS},
    },
    ("sites", "miner"): {
        "variables": COTTAGE,
        "State": ["working", "green"],
        "Hash rate": ["3.33 TH/s", "green"],
        "Power": ["92 W", "orange"],
        "Identity": [{"Miner": "cottage garage", "Model": "nano3"}],
    },
    ("sites", "pools"): {
        "Alive": ["13", "green"],  # three each of four that are up, and one of the shed
        "Dead": ["0", "green"],
        "Accepted": ["22.8 c/m", "green"],  # of four
    },
    ("sites", "money"): {
        "Power cost a day": ["35.02", "orange"],  # 92 W at 0.10, the other 4,833 W at 0.30
        "Expected bitcoin a day": ["0.00011169 BTC", "blue"],
        "Energy": ["5.01 kWh", "blue"],  # 4,925 Wh, and 132 W for 40 minutes
        "Power cost": ["1.49", "orange"],
        "Price of power": {"home a kWh": "0.3000", "cottage a kWh": "0.1000"},
        "Miners": [
            {"Miner": "home garage", "kWh a day": "3.17", "Cost a day": "0.95", "Profit a day": ["-0.78", "red"]},
            {"Miner": "cottage garage", "kWh a day": "2.21", "Cost a day": "0.22", "Profit a day": ["-0.13", "red"]},
            {"Miner": "barn 192.168.1.50", "kWh a day": "19.78", "Cost a day": "5.93"},
            {"Miner": "shed 192.168.1.50", "kWh a day": "3.50", "Cost a day": "1.05"},
            {"Miner": "garage pi:9100", "kWh a day": "89.54", "Cost a day": "26.86"},
            {"Miner": "garage pi2:9100", "kWh a day": "", "kWh in the selected time": "0.09", "Cost in the selected time": "0.03"},
        ],
    },
    ("sites", "efficiency"): {
        "By work mode": [
            {"Miner": "home garage", "Mode": "2", "J/TH": "20.55"},
            {"Miner": "cottage garage", "Mode": "-", "J/TH": "27.61"},
            {"Miner": "barn 192.168.1.50", "Mode": "1", "J/TH": "21.73"},
            {"Miner": "garage pi:9100", "Mode": "1", "J/TH": "18.73"},
            {"Miner": "garage pi2:9100", "Mode": "2", "J/TH": "20.55"},
        ],
    },
    ("sites", "exporter"): {
        "Running for": [["home exporter:9100", "2 hours", "blue"], ["cottage exporter:9100", "2 hours", "blue"], ["pi:9100", "30 mins", "blue"], ["pi2:9100", "2 hours", "blue"]],
        "Exporter": [["home exporter:9100", "up", "green"], ["cottage exporter:9100", "up", "green"], ["pi:9100", "up", "green"], ["pi2:9100", "up", "green"]],
        "Failed polls, 1 h": ["120", "red"],
        "Failed polls": {"all": "6 c/m", "garage pi2:9100 timeout": "6 c/m"},
    },
    ("sites", "gpu-and-pool"): {
        "Hash rate": [["home 0x00", "93.1 MH/s", "green"], ["home 0x01", "93.1 MH/s", "green"]],
        "Power": [[f"home {CARD_A}", "84.2 W", "green"], [f"home {CARD_B}", "84.2 W", "green"], [f"cottage {CARD}", "112 W", "green"],
                  [f"cottage {CARD_1}", "112 W", "green"], [f"cottage {CARD_2}", "117 W", "green"]],
        "Unpaid balance": [["home 0x00", "0.01086", "blue"], ["home 0x01", "0.01086", "blue"]],
        "Hash rate, timeseries": {f"{what} home {wallet}": rate for wallet in ("0x00", "0x01")
                                  for what, rate in (("current", "93.1 MH/s"), ("average", "87.8 MH/s"), ("reported", "91.5 MH/s"))},
        "Hashes a joule": {"all": "344628 H/J"},  # 2 * 87.75 MH/s by 509.26 W
        "Power cost a day": {"cost": "2.03"},  # 168.48 W at 0.30 and 340.78 W at 0.10
    },

    # The one miner is down: no number of before, and the desktop with the card is off.
    ("alone", "fleet"): {
        "Up": ["0", "red"],
        "Down": ["1", "red"],
        "Hash rate": DOWN, "Power": DOWN, "Efficiency": DOWN, "Hottest chip": DOWN,
        "State": ["down", "red"],
        "Miners": [{"Miner": "garage", "State": ["down", "red"], "Down for": "20 mins", "Hash rate": "", "Power": "", "J/TH": "", "Hottest chip": ""}],
        "Availability": {"garage": LOST_PARTS},
    },
    ("alone", "miner"): {
        "variables": GARAGE,
        "State": ["down", "red"],
        **{title: DOWN for title in ("Hash rate", "Power", "Efficiency", "Hottest chip", "Running for", "Work mode", "Blocks found", "Soft-off reason", "Wi-Fi")},
        "Identity": [{"Miner": "garage", "Model": "Nano3s"}],
        "Error codes": [],
    },
    ("alone", "pools"): {"Alive": DOWN, "Dead": DOWN, "On a backup": DOWN, "Accepted": DOWN, "Pools": []},
    ("alone", "money"): {"Power cost a day": DOWN, "Its value": DOWN, "Profit a day": DOWN, "Energy": ["88.00 Wh", "blue"]},

    # The exporter is down, and is known by what it served, though its job is called miners.
    ("blind", "exporter"): {
        "Exporter": ["down", "red"], "Running for": DOWN, "Series": DOWN, "Version": ["", "grey"], "Failed polls, 1 h": ABSENT, "Skipped polls, 1 h": ABSENT,
    },
    ("blind", "fleet"): {"State": ["no data: see Exporter health", "grey"], "Miners": []},

    ("nothing", "money"): {
        "Energy by day": BARS_COME, "Power cost by day": BARS_COME, "Last 30 days": POINTS_COME, "Price of power": POINTS_COME, "Profit": POINTS_COME,
        "Network difficulty": POINTS_COME,
    },

    # All in standby is neither down nor well nor 0 °C.
    ("asleep", "fleet"): {
        "Up": ["1", "green"], "Down": ["0", "green"], "Hash rate": ["0.0 H/s", "grey"], "Power": ["146 W", "orange"], "Efficiency": ABSENT,
        "Hottest chip": ["off", "grey"], "State": ["off", "grey"],
    },
    ("asleep", "miner"): {
        "variables": OFFICE,
        "State": ["off", "grey"], "Hash rate": ["0.00 H/s", "grey"], "Power": ["146 W", "orange"], "Efficiency": ABSENT, "Hottest chip": ["off", "grey"],
        "Soft-off reason": ["standby", "grey"], "Wi-Fi": ["none", "grey"],
    },
    ("asleep", "pools"): {"Alive": ["1", "green"], "Accepted": ["0.0 c/m", "grey"], "Rejected, 1 h": ABSENT},
}

# Worlds in which tiles have nothing to show, and those that have something all the same: what was counted in the last hour or day.
COUNTED = {
    "miner/Best share, 24 h", "miner/Best share, range", "pools/Rejected, 1 h", "pools/Stale, 1 h", "money/Energy", "money/Power cost",
    "money/Mean price of a kWh", "money/Hashes", "money/Best share",
}
STATES = {"fleet/Up", "fleet/Down", "fleet/State", "miner/State"}
EXPORTER = {"exporter/Exporter", "exporter/Version", "exporter/Running for", "exporter/Failed polls, 1 h", "exporter/Skipped polls, 1 h", "exporter/Series"}
NOTHING_BUT = {
    "alone": COUNTED | STATES | EXPORTER,
    "blind": COUNTED | {"exporter/Exporter"},
    "nothing": set(),
}

# What is drawn, and how many seconds before the end it begins.
MARKS = {
    ("four", "fleet", "Down"): [["192.168.1.52 went down", 1140]],
    ("four", "fleet", "Block"): [["garage found a block!", 3000]],
    ("four", "miner", "Fail-over"): [["garage works for pool 0 now", 1500], ["garage works for pool 1 now", 1800]],
    ("four", "miner", "Restart"): [["garage was restarted", 2400]],
    ("four", "pools", "Fail-over"): [["garage works for pool 0 now", 1500], ["garage works for pool 1 now", 1800]],
    ("four", "miner", "Down"): [],
    ("four", "miner", "Block"): [["garage found a block!", 3000]],
    ("sites", "fleet", "Down"): [["garage pi2:9100 went down", 1140]],
    ("sites", "exporter", "Exporter restarted"): [["pi:9100 was restarted", 1740]],
}

# What variables offer, one after the other as they are chosen.
CHOICES = {
    ("four", "miner", "site"): ({}, [NO_SITE]),
    ("four", "miner", "miner"): ({"site": NO_SITE}, ["192.168.1.50", "192.168.1.51", "192.168.1.52", "192.168.1.53"]),
    ("four", "miner", "instance"): (GARAGE, ["exporter:9100"]),
    # The name that the exporter has now comes before that which it had.
    ("four", "miner", "instance of the heater"): (GARAGE | {"miner": "192.168.1.53"}, ["exporter:9100", "before:9100"]),
    ("sites", "miner", "instance"): (COTTAGE, ["exporter:9100"]),
    ("sites", "miner", "site"): ({}, [NO_SITE, "barn", "cottage", "home", "shed"]),
    ("sites", "miner", "miner"): ({"site": "cottage"}, ["192.168.1.50"]),
    ("sites", "pools", "miners"): ({"sites": "home"}, ["192.168.1.50"]),
    ("sites", "fleet", "sites"): ({}, ["barn", "cottage", "home", "shed"]),
    ("four", "gpu-and-pool", "host"): ({}, ["desktop:9400", "desktop:9835"]),
    ("sites", "gpu-and-pool", "wallet"): ({}, ["0x00", "0x01"]),
}
