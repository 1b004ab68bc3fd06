"""GPU and pool: the graphics card of a mining desktop, beside its pool."""

from panels import ANY, BLUE, GREEN, RED, YELLOW, dashboard, panel, row, series, steps, typed, variable
from shared import sites

HOST = 'site=~"$sites", instance=~"$host"'
WALLET = 'site=~"$sites", instance=~"$wallet"'


def card(nvidia, dcgm, unit=""):
    """A number of each card by either exporter. A card is known by its bare uuid: the exporters have different ports, so that
    their instances differ, and only one of them writes GPU- before it. A card that both see is there once. `unit` makes
    DCGM's number one of the other's."""
    bare = f'label_replace({{}}{{{{{HOST}}}}}, "uuid", "$1", "{{}}", "(?:GPU-)?(.+)")'
    return f"max by (site, uuid) ({bare.format(nvidia, 'uuid')}) or on (site, uuid) max by (site, uuid) ({bare.format(dcgm, 'UUID')}){unit}"


WATTS = card("nvidia_smi_power_draw_watts", "DCGM_FI_DEV_POWER_USAGE")
TEMPERATURE = card("nvidia_smi_temperature_gpu", "DCGM_FI_DEV_GPU_TEMP")
USE = card("nvidia_smi_utilization_gpu_ratio", "DCGM_FI_DEV_GPU_UTIL", " / 100")


def wallet(name):
    """A number of each wallet at its pool."""
    return f"ethermine_miner_{name}{{{WALLET}}}"


UNPAID = wallet("balance_unpaid_coins")
BY_CARD, BY_WALLET = "{{site}} {{uuid}}", "{{site}} {{instance}}"
SITE_WATTS = f"sum by (site) ({WATTS})"
SITE_PRICE = f"(max by (site) (avalon_electricity_price) or on (site) {SITE_WATTS} * 0 + $kwh_price)"
NO_CARD, NO_WALLET = "no card", "no wallet"

BOARD = dashboard(
    "avalon-gpu", "GPU and pool", "For those who mine with a graphics card too: the card's power beside what the pool says. See prometheus/targets.d.",
    [
        sites,
        variable("host", "GPU host", 'label_values({__name__=~"nvidia_smi_power_draw_watts|DCGM_FI_DEV_POWER_USAGE", site=~"$sites"}, instance)', ".+"),
        variable("wallet", "Wallet", 'label_values(ethermine_miner_hashrate_current_hps{site=~"$sites"}, instance)', ".+"),
        typed("kwh_price", "kWh price if the exporter has none", "0.30", "Used only where ELECTRICITY_PRICE is not set at the exporter."),
    ],
    [
        row("", [
            panel("gauge", "Hash rate", "As the pool sees it.", (wallet("hashrate_current_hps"), BY_WALLET), unit="Hs", w=6, h=6, min=0,
                  thresholds=steps((RED, 0), (YELLOW, 1e6), (GREEN, 1e7)), noValue=NO_WALLET),
            panel("gauge", "Power", "Of each card, by nvidia_gpu_exporter or DCGM.", (WATTS, BY_CARD), unit="watt", w=6, h=6, min=0, max=400,
                  thresholds=steps((GREEN, 0), (YELLOW, 250), (RED, 320)), noValue=NO_CARD),
            panel("gauge", "Valid shares", "In the pool's window.", (wallet("shares_valid"), BY_WALLET), w=6, h=6, min=0, thresholds=steps((RED, 0), (GREEN, 1)), noValue=NO_WALLET),
            panel("gauge", "Unpaid balance", "At the pool, in coins.", (UNPAID, BY_WALLET), w=6, h=6, min=0, decimals=5, thresholds=steps((BLUE, ANY)), noValue=NO_WALLET),
        ]),
        row("Over time", [
            series("Hash rate", "As the pool sees it now and in the mean, and as the miner reports it.", *[
                (wallet(f"hashrate_{x}_hps"), f"{x} {BY_WALLET}") for x in ("current", "average", "reported")], unit="Hs", noValue=NO_WALLET),
            series("Power", "Of each card.", (WATTS, BY_CARD), unit="watt", noValue=NO_CARD),
            series("Shares", "In the pool's window.", *[(wallet(f"shares_{x}"), f"{x} {BY_WALLET}") for x in ("valid", "stale", "invalid")], noValue=NO_WALLET),
            series("Unpaid balance", "In coins; it falls when the pool pays.", (UNPAID, BY_WALLET), decimals=5, noValue=NO_WALLET),
            series("Temperature", "Of each card.", (TEMPERATURE, BY_CARD), unit="celsius", noValue=NO_CARD),
            series("Use", "Of each card.", (USE, BY_CARD), unit="percentunit", max=1, noValue=NO_CARD),
            series("Hashes a joule", "Hash rate at the pool divided by the power of all cards: a lower power limit often makes it better.",
                   (f"sum({wallet('hashrate_average_hps')}) / sum({WATTS})", "all"), unit="suffix:H/J", noValue="no card, or no wallet"),
            series("Power cost a day", "At the power of the moment.", (f"sum({SITE_WATTS} / 1000 * 24 * on (site) {SITE_PRICE})", "cost"), decimals=2, noValue=NO_CARD),
        ]),
    ],
    since="now-2d", refresh="1m")
