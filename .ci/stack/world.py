"""Worlds whose answers are known, as blocks of a real Prometheus.

A world is a few hours of what Prometheus would have scraped; each ends at a time of its own, so that one Prometheus holds all.
The miners' pages are the expected pages of the tests' captures, those of other exporters are in pages/. Counters grow steadily,
so that what they gain in an hour is known.
"""

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CAPTURES = ROOT / "tests/captures"

STEP, LENGTH = 60, 9000
FIRST_END = 1_793_534_400  # 2026-11-01T12:00:00Z

NANO_3S = "nano3s__25021401_56abae7__high__extended"
NANO_3 = "nano3__24071801_42c628d__mid"
MINI_3 = "mini3__25011701_3f53b19__mining"
Q_STANDBY = "q__25052801_14a19a2__standby"
A15 = "a15-194__24102401_25462b2__mining"

# What a miner that is down still has, by its name.
KEPT = re.compile(r"avalon_(up|info|miner_name|energy_.*|scrape_.*|last_scrape_.*|down_.*|status_.*|polls_.*|series_.*)$")
# Families of a model whose supply is not known.
POWER = re.compile(r"avalon_(power_watts|efficiency_.*|psu_(in|out|set).*|energy_.*)$")


def read(path):
    """(name, labels) -> value, of a page."""
    page = {}
    for line in path.read_text().splitlines():
        if match := re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)(?: \d+)?", line):
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            page[match[1], tuple(sorted(labels.items()))] = 0.0 if match[3] == "-" else float(match[3])
    return page


class Miner:
    """A miner: its address, a page, and what happens to it. Times are seconds before the world's end."""

    def __init__(self, page, ip="192.168.1.50", name=None, down=0, without=None, price=None, events=None):
        self.ip, self.name, self.down, self.price = ip, name, down, price
        self.page = {(name, tuple(sorted((dict(labels) | {"ip": ip}).items()))): value
                     for (name, labels), value in read(CAPTURES / f"{page}.metrics").items()
                     if "ip" in dict(labels) and "chip" not in dict(labels) and not (without and without.match(name))}
        self.events = events or (lambda page, before: page)

    def watts(self):
        return next((value for (name, _), value in self.page.items() if name == "avalon_power_watts"), None)

    def at(self, before):
        """Its part of the exporter's page so long before the end."""
        gone = LENGTH - before  # since the world's beginning
        down = before < self.down
        ran = gone - (self.down - before if down else 0)
        page = {}
        for (name, labels), value in self.page.items():
            if down and not KEPT.match(name):
                continue
            page[name, labels] = value + self.growth(name, dict(labels)) * ran
        own = (("ip", self.ip),)
        if not down:
            page["avalon_uptime_seconds", own] -= LENGTH
        page["avalon_up", own] = 0 if down else 1
        page["avalon_down_duration_seconds", own] = self.down - before if down else 0
        page["avalon_last_scrape_timestamp_seconds", own] = -(self.down if down else before)
        if down:
            for kind in ("", "timeout_"):
                page[f"avalon_scrape_errors_{kind}total", own] = (self.down - before) / 10
        if self.name:
            page["avalon_miner_name", (*own, ("name", self.name))] = 1
        if self.price and self.watts():
            page["avalon_energy_cost_total", (("currency", "EUR"), *own)] = self.watts() * ran / 3.6e6 * self.price
        return self.events(page, before)

    def growth(self, name, labels):
        """What a counter gains in a second."""
        rate = next((value for (other, _), value in self.page.items() if other == "avalon_hashrate_hashes_per_second"), 0)
        hashing = 1 if rate else 0
        first = labels.get("pool_index", "0") == "0"
        return {
            "avalon_uptime_seconds": 1,
            "avalon_energy_joules_total": self.watts() or 0,
            "avalon_hashes_total": rate,
            "avalon_shares_accepted_total": hashing * 0.095,
            "avalon_shares_rejected_total": hashing * 0.003,
            "avalon_shares_stale_total": hashing * 0.002,
            "avalon_pool_shares_accepted_total": hashing * 0.095 * first,
            "avalon_pool_difficulty_accepted": rate / 2**32 * first,
        }.get(name, 0)


class Exporter:
    """A target of Prometheus: one of ours with its miners, or one that always serves the same page."""

    def __init__(self, *miners, job="avalon", instance="exporter:9100", site=None, price=None, page=None, down=0, probe=False, started=7200, until=0):
        self.labels = {"job": job, "instance": instance} | ({"site": site} if site else {})
        self.miners, self.price, self.down, self.probe, self.started, self.until = miners, price, down, probe, started, until
        self.page = read(HERE / "pages" / f"{page}.prom") if page else None

    def at(self, before, end):
        """Its samples so long before the end."""
        if before < self.until:
            page = {}
        elif before < self.down:
            page = {("up", ()): 0, ("scrape_samples_scraped", ()): 0}
        elif self.page is not None:
            page = {("up", ()): 1} | self.page
        else:
            page = {}
            for miner in self.miners:
                page |= miner.at(before)
            for key in [key for key in page if key[0] == "avalon_last_scrape_timestamp_seconds"]:
                page[key] += end
            page[("scrape_samples_scraped", ())] = len(page)
            page[("up", ())] = 1
            if not self.probe:
                page[("avalon_exporter_info", (("version", "1.0.0"),))] = 1
                page[("process_start_time_seconds", ())] = end - (self.started if before < self.started else 90000)
                page[("process_resident_memory_bytes", ())] = 4e6
            if self.price:
                page[("avalon_electricity_price", (("currency", "EUR"),))] = self.price
        return {(name, tuple(sorted((dict(labels) | self.labels).items()))): value for (name, labels), value in page.items()}


def incidents(page, before):
    """What the marks are for: a fail-over for five minutes, a restart, a block."""
    page = dict(page)
    for (name, labels), value in list(page.items()):
        index = dict(labels).get("pool_index")
        if 1500 < before <= 1800 and name == "avalon_pool_alive" and index == "0":
            page[name, labels] = 0
        if 1500 < before <= 1800 and name == "avalon_pool_active":
            page[name, labels] = 1 if index == "1" else 0
        if name == "avalon_uptime_seconds":
            page[name, labels] = 2400 - before if before <= 2400 else value
        if name == "avalon_blocks_found_total" and before <= 3000:
            page[name, labels] = 1
    return page


def four():
    """One home, without the label site: a miner at work, one in standby, one that is down, and one whose power is not known."""
    return [
        Exporter(
            Miner(NANO_3S, "192.168.1.50", "garage", price=0.30, events=incidents),
            Miner(Q_STANDBY, "192.168.1.51", "office", price=0.30),
            Miner(A15, "192.168.1.52", down=1200, price=0.30),
            Miner(MINI_3, "192.168.1.53", "heater", without=POWER),
            price=0.30),
        # What the exporter was called until two hours ago.
        Exporter(Miner(MINI_3, "192.168.1.53", "heater"), instance="before:9100", until=7200),
        Exporter(job="nvidia-gpu", instance="desktop:9835", page="nvidia_gpu_exporter-driver-465"),
        Exporter(job="dcgm", instance="desktop:9400", page="dcgm-exporter"),
        Exporter(job="pool", instance="0x00", page="ethermine-miner"),
    ]


def sites():
    """Every home has a 192.168.1.50, and most are called garage. Two exporters of equal instance, told apart by the site;
    two probes of equal instance, by the site too; two without a site, by the instance. Two wallets, and cards in two homes."""
    return [
        Exporter(Miner(NANO_3S, name="garage", price=0.30), site="home", price=0.30),
        Exporter(Miner(NANO_3, name="garage", price=0.10), site="cottage", price=0.10),
        Exporter(Miner(MINI_3), site="barn", job="probes", instance="192.168.1.50", probe=True),
        Exporter(Miner(Q_STANDBY), site="shed", job="probes", instance="192.168.1.50", probe=True),
        Exporter(Miner(A15, name="garage"), instance="pi:9100", started=1800),
        Exporter(Miner(NANO_3S, name="garage", down=1200), instance="pi2:9100", job="avalonhome-prometheus-exporter"),
        Exporter(job="nvidia-gpu", instance="desktop:9835", page="nvidia_gpu_exporter-1.14.0-two-cards", site="home"),
        Exporter(job="nvidia-gpu", instance="desktop:9835", page="nvidia_gpu_exporter", site="cottage"),
        Exporter(job="dcgm", instance="desktop:9400", page="dcgm-exporter-next", site="cottage"),
        Exporter(job="pool", instance="0x00", page="ethermine-miner", site="home"),
        Exporter(job="pool", instance="0x01", page="ethermine-miner", site="home"),
    ]


def alone():
    """The outage of an owner of one miner; the desktop with the card and the pool's exporter are off too."""
    return [
        Exporter(Miner(NANO_3S, "192.168.1.50", "garage", down=1200)),
        Exporter(job="nvidia-gpu", instance="desktop:9835", page="nvidia_gpu_exporter", down=1200),
        Exporter(job="pool", instance="0x00", page="ethermine-miner", down=1200),
    ]


def blind():
    """The exporter itself does not answer; and a desktop without a card."""
    return [
        Exporter(Miner(NANO_3S, "192.168.1.50", "garage"), down=1200, job="miners"),
        Exporter(job="nvidia-gpu", instance="desktop:9835", page="nvidia_gpu_exporter-no-gpu"),
    ]


def asleep():
    """All miners in standby."""
    return [Exporter(Miner(Q_STANDBY, "192.168.1.51", "office"))]


def nothing():
    """No data at all."""
    return []


# Nothing comes first: some queries look back for a month.
WORLDS = [nothing, four, sites, alone, blind, asleep]
END = {world.__name__: FIRST_END + i * 86400 for i, world in enumerate(WORLDS)}


def samples(world, wanted):
    """Lines of OpenMetrics, of the families wanted."""
    end = END[world.__name__]
    exporters = world()
    for before in range(LENGTH, -1, -STEP):
        for exporter in exporters:
            for (name, labels), value in exporter.at(before, end).items():
                if name in wanted:
                    shown = ",".join(f'{label}="{text}"' for label, text in labels)
                    yield f"{name}{{{shown}}} {value!r} {end - before}\n"


def write(folder, wanted, promtool):
    """Blocks of all worlds."""
    page = Path(folder) / "samples.om"
    with open(page, "w") as file:
        for world in WORLDS:
            file.writelines(samples(world, wanted))
        file.write("# EOF\n")
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", page, Path(folder) / "data"], check=True)
    page.unlink()
