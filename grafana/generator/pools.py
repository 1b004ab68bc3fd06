"""Pools: what is alive, in use, accepted, rejected, late."""

from panels import GREEN, ORANGE, RED, dashboard, override, panel, row, series, stat, steps, table
from shared import (ALIVE, BAD_SHARE, DOWN, IN_USE, KEY, MINERS, NONE_IS_GOOD, POOLS, TO_MINER, marks, miners, named, or_all_down, pool, sites)

BY_POOL = "{{miner}} pool {{pool_index}}"


def each_pool(metric, *more):
    """A number for each pool of each miner."""
    return f"max by ({', '.join((KEY, 'pool_index', *more))}) ({metric}{{{POOLS}}})"


def per_minute(metric):
    """What a counter of each pool gains in a minute."""
    return named(f"sum by ({KEY}, pool_index) (rate({metric}{{{POOLS}}}[$__rate_interval])) * 60")


def of_an_hour(counter):
    """What a counter of each miner gained in the last hour."""
    return f"sum by ({KEY}) (increase({counter}{{{MINERS}}}[1h]))"


# How much of the last hour is known: less than all in the first hour, and after an outage.
SECONDS = f"(max by ({KEY}) (increase(avalon_uptime_seconds{{{MINERS}}}[1h])) > 0)"
ALL_SHARES = "((" + " + ".join(of_an_hour(f"avalon_shares_{x}_total") for x in ("accepted", "rejected", "stale")) + ") > 0)"
FIRST_PRIORITY = f"min by ({KEY}) (avalon_pool_priority{{{MINERS}}})"
PRIORITY_IN_USE = f"min by ({KEY}) (avalon_pool_priority{{{MINERS}}} and on ({KEY}, pool_index) avalon_pool_active == 1)"

BOARD = dashboard(
    "avalon-pools", "Pools", "Which pools are alive and in use, what they accept, and what the way to them loses.", [sites, miners, pool(MINERS)],
    [
        row("", [
            stat("Alive", "Pools that answer, over all miners; a healthy standby pool is alive and not active.", or_all_down(f"sum(avalon_pool_alive{{{POOLS}}})"),
                 thresholds=steps((RED, 0), (GREEN, 1)), mappings=DOWN),
            stat("Dead", "Pools that do not answer.", or_all_down(f"sum(1 - avalon_pool_alive{{{POOLS}}})"), thresholds=NONE_IS_GOOD, mappings=DOWN),
            stat("On a backup", "Miners that work for a pool that is not their first.", or_all_down(f"sum({PRIORITY_IN_USE} > bool {FIRST_PRIORITY}) or sum({FIRST_PRIORITY}) * 0"),
                 thresholds=steps((GREEN, 0), (ORANGE, 1)), mappings=DOWN),
            stat("Accepted", "Shares a minute, all miners.", or_all_down(f"sum(rate(avalon_shares_accepted_total{{{MINERS}}}[$__rate_interval])) * 60"), unit="cpm", decimals=1,
                 options={"colorMode": "value"}, thresholds=steps((GREEN, 0.01)), mappings=DOWN),
            stat("Rejected, 1 h", "Part of the shares of the last hour that pools rejected.",
                 f"sum({of_an_hour('avalon_shares_rejected_total')}) / sum({ALL_SHARES})", unit="percentunit", decimals=2, thresholds=BAD_SHARE),
            stat("Stale, 1 h", "Part of the shares of the last hour that came too late.",
                 f"sum({of_an_hour('avalon_shares_stale_total')}) / sum({ALL_SHARES})", unit="percentunit", decimals=2, thresholds=BAD_SHARE),
            table("Pools", "A row for each pool of each miner that answers.", [
                (named(f"{each_pool('avalon_pool_priority')} * on ({KEY}, pool_index) group_left (url) ({each_pool('avalon_pool_works_total', 'url')} * 0 + 1)"), "Priority"),
                (named(each_pool("avalon_pool_alive")), "Alive"),
                (named(each_pool("avalon_pool_active")), "Active"),
                (named(each_pool("avalon_pool_shares_accepted_total")), "Accepted"),
                (named(each_pool("avalon_pool_shares_rejected_total")), "Rejected"),
                (named(each_pool("avalon_pool_stale_total")), "Stale"),
                (named(each_pool("avalon_pool_stratum_difficulty")), "Difficulty"),
                (named(each_pool("avalon_pool_best_share")), "Best share"),
                (named(f"{each_pool('avalon_pool_current_block_height')} > 0"), "Block"),
            ], first=("miner", "ip", "pool_index", "url"), h=9, overrides=[
                override("Alive", mappings=ALIVE, custom_cellOptions={"type": "color-background"}), override("Active", mappings=IN_USE, custom_cellOptions={"type": "color-background"}),
                override("Difficulty", unit="sishort"), override("Best share", unit="sishort"), override("Block", unit="none"), override("miner", links=[TO_MINER])]),
        ]),
        row("Shares", [
            series("Accepted", "Shares a minute by pool. Fewer of a higher difficulty are worth the same.", (per_minute("avalon_pool_shares_accepted_total"), BY_POOL), unit="cpm"),
            series("Rejected and stale", "Shares a minute by pool.", (per_minute("avalon_pool_shares_rejected_total"), BY_POOL + " rejected"),
                   (per_minute("avalon_pool_stale_total"), BY_POOL + " stale"), unit="cpm"),
            series("Rejected and stale, of all shares", "Part of the shares of the last hour.",
                   (named(f"{of_an_hour('avalon_shares_rejected_total')} / {ALL_SHARES}"), "{{miner}} rejected"),
                   (named(f"{of_an_hour('avalon_shares_stale_total')} / {ALL_SHARES}"), "{{miner}} stale"), unit="percentunit", thresholds=BAD_SHARE),
            series("Difficulty", "What the pool asks of a share. The pool sets it by the miner's speed.", (named(f"{each_pool('avalon_pool_stratum_difficulty')} > 0"), BY_POOL),
                   unit="sishort"),
            series("Work done, by difficulty", "Difficulty of accepted shares times 2^32, in hashes a second: the hash rate that pools pay for. It scatters much over short times.",
                   (named(f"sum by ({KEY}) (increase(avalon_pool_difficulty_accepted{{{POOLS}}}[1h])) * 2^32 / {SECONDS}"), "{{miner}}"), unit="Hs"),
            series("Last share", "Age of the last share, of models that send it as Unix time.",
                   (named(f"time() - max by ({KEY}) (avalon_pool_last_share_time{{{POOLS}}} > 1e9)"), "{{miner}}"), unit="s"),
        ]),
        row("State", [
            panel("state-timeline", "In use", "Which pool each miner works for; a gap: the miner did not answer.", (named(each_pool("avalon_pool_active")), BY_POOL), w=12,
                  mappings=IN_USE),
            panel("state-timeline", "Alive", "Which pools answer; a gap: the miner did not answer.", (named(each_pool("avalon_pool_alive")), BY_POOL), w=12, mappings=ALIVE),
            series("Failures", "An hour: getting work, submitting shares.", (named(f"sum by ({KEY}, pool_index) (increase(avalon_pool_get_failures_total{{{POOLS}}}[1h]))"), BY_POOL + " get"),
                   (named(f"sum by ({KEY}, pool_index) (increase(avalon_pool_remote_failures_total{{{POOLS}}}[1h]))"), BY_POOL + " submit")),
            series("Block height", "That each pool works on; one that stays behind the others has lost touch.", (named(f"{each_pool('avalon_pool_current_block_height')} > 0"), BY_POOL),
                   unit="none", decimals=0, custom={"axisSoftMin": None}),
        ]),
        row("Traffic", [
            series("Bytes", "A second, received above and sent below the line.", (named(f"sum by ({KEY}) (rate(avalon_pool_bytes_recv_total{{{POOLS}}}[$__rate_interval]))"), "{{miner}} received"),
                   (named(f"-sum by ({KEY}) (rate(avalon_pool_bytes_sent_total{{{POOLS}}}[$__rate_interval]))"), "{{miner}} sent"), unit="Bps", custom={"axisSoftMin": None}),
            series("Messages", "A minute, received above and sent below the line.", (named(f"sum by ({KEY}) (rate(avalon_pool_times_recv_total{{{POOLS}}}[$__rate_interval])) * 60"), "{{miner}} received"),
                   (named(f"-sum by ({KEY}) (rate(avalon_pool_times_sent_total{{{POOLS}}}[$__rate_interval])) * 60"), "{{miner}} sent"), unit="cpm", custom={"axisSoftMin": None}),
        ]),
    ],
    marks=marks(MINERS, "failover"))
