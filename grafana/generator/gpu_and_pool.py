"""GPU and pool: the graphics card of a mining desktop, beside its pool."""

from panels import BLUE, GREEN, RED, YELLOW, dashboard, panel, row, series, steps, typed, variable

GPU_WATTS = 'nvidia_smi_power_draw_watts{instance=~"$host"} or on (instance, uuid) label_replace(DCGM_FI_DEV_POWER_USAGE{instance=~"$host"}, "uuid", "$1", "UUID", "(.+)")'
GPU_TEMP = 'nvidia_smi_temperature_gpu{instance=~"$host"} or on (instance, uuid) label_replace(DCGM_FI_DEV_GPU_TEMP{instance=~"$host"}, "uuid", "$1", "UUID", "(.+)")'
GPU_USE = 'nvidia_smi_utilization_gpu_ratio{instance=~"$host"} or on (instance, uuid) label_replace(DCGM_FI_DEV_GPU_UTIL{instance=~"$host"}, "uuid", "$1", "UUID", "(.+)") / 100'
POOL_RATE = 'ethermine_miner_hashrate_{}_hps{{instance=~"$wallet"}}'
UNPAID = 'ethermine_miner_balance_unpaid_coins{instance=~"$wallet"} / $coin'

BOARD = dashboard(
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
