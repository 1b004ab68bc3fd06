"""Pools: what is alive, in use, accepted, rejected, late."""

from panels import GREEN, ORANGE, RED, dashboard, override, panel, row, series, stat, steps, table
from shared import BAD_SHARE, FAILOVER, MINER, POOL, TO_MINER, YES, miner, pool

PER_MINUTE = "sum by (ip, pool_index) (rate({}{{" + POOL + "}}[$__rate_interval])) * 60"
BY_POOL = "{{ip}} pool {{pool_index}}"
ALL_SHARES = "(" + " + ".join(f"sum by (ip) (increase(avalon_shares_{x}_total{{{MINER}}}[1h]))" for x in ("accepted", "rejected", "stale")) + ") > 0"

BOARD = dashboard(
    "avalon-pools", "Pools", "Which pools are alive and in use, what they accept, and what the way to them loses.", [miner, pool],
    [
        row("", [
            stat("Alive", "Pools that answer, over all miners; a healthy standby pool is alive and not active.", f"sum(avalon_pool_alive{{{POOL}}})", thresholds=steps((GREEN, None))),
            stat("Dead", "Pools that do not answer.", f"count(avalon_pool_alive{{{POOL}}} == 0) or on () vector(0)", thresholds=steps((GREEN, None), (RED, 1))),
            stat("On a backup", "Miners that work for a pool that is not their first.",
                 f"count(min by (ip) (avalon_pool_priority{{{MINER}}} and on (instance, ip, pool_index) avalon_pool_active == 1) > min by (ip) (avalon_pool_priority{{{MINER}}})) or on () vector(0)",
                 thresholds=steps((GREEN, None), (ORANGE, 1))),
            stat("Accepted", "Shares a minute, all miners.", f"sum(rate(avalon_shares_accepted_total{{{MINER}}}[$__rate_interval])) * 60", unit="cpm", decimals=1,
                 options={"graphMode": "area", "colorMode": "value"}),
            stat("Rejected, 1 h", "Part of the shares of the last hour that pools rejected.",
                 f"sum(increase(avalon_shares_rejected_total{{{MINER}}}[1h])) / sum({ALL_SHARES})", unit="percentunit", decimals=2, thresholds=BAD_SHARE),
            stat("Stale, 1 h", "Part of the shares of the last hour that came too late.",
                 f"sum(increase(avalon_shares_stale_total{{{MINER}}}[1h])) / sum({ALL_SHARES})", unit="percentunit", decimals=2, thresholds=BAD_SHARE),
            table("Pools", "A row for each pool of each miner.", [
                (f"max by (ip, pool_index, url) (avalon_pool_priority{{{POOL}}} * on (ip, pool_index) group_left (url) max by (ip, pool_index, url) (avalon_pool_works_total * 0 + 1))", "Priority"),
                (f"max by (ip, pool_index) (avalon_pool_alive{{{POOL}}})", "Alive"),
                (f"max by (ip, pool_index) (avalon_pool_active{{{POOL}}})", "Active"),
                (f"sum by (ip, pool_index) (avalon_pool_shares_accepted_total{{{POOL}}})", "Accepted"),
                (f"sum by (ip, pool_index) (avalon_pool_shares_rejected_total{{{POOL}}})", "Rejected"),
                (f"sum by (ip, pool_index) (avalon_pool_stale_total{{{POOL}}})", "Stale"),
                (f"max by (ip, pool_index) (avalon_pool_stratum_difficulty{{{POOL}}})", "Difficulty"),
                (f"max by (ip, pool_index) (avalon_pool_best_share{{{POOL}}})", "Best share"),
                (f"max by (ip, pool_index) (avalon_pool_current_block_height{{{POOL}}} > 0)", "Block"),
            ], h=9, overrides=[
                override("Alive", mappings=YES, custom_cellOptions={"type": "color-background"}), override("Active", mappings=YES, custom_cellOptions={"type": "color-background"}),
                override("Difficulty", unit="sishort"), override("Best share", unit="sishort"), override("Block", unit="none"), override("ip", links=[TO_MINER])]),
        ]),
        row("Shares", [
            series("Accepted", "Shares a minute by pool. Fewer of a higher difficulty are worth the same.", (PER_MINUTE.format("avalon_pool_shares_accepted_total"), BY_POOL), unit="cpm"),
            series("Rejected and stale", "Shares a minute by pool.", (PER_MINUTE.format("avalon_pool_shares_rejected_total"), BY_POOL + " rejected"),
                   (PER_MINUTE.format("avalon_pool_stale_total"), BY_POOL + " stale"), unit="cpm"),
            series("Rejected and stale, of all shares", "Part of the shares of the last hour.",
                   (f"sum by (ip) (increase(avalon_shares_rejected_total{{{MINER}}}[1h])) / ({ALL_SHARES})", "{{ip}} rejected"),
                   (f"sum by (ip) (increase(avalon_shares_stale_total{{{MINER}}}[1h])) / ({ALL_SHARES})", "{{ip}} stale"), unit="percentunit", thresholds=BAD_SHARE),
            series("Difficulty", "What the pool asks of a share. The pool sets it by the miner's speed.", (f"max by (ip, pool_index) (avalon_pool_stratum_difficulty{{{POOL}}} > 0)", BY_POOL),
                   unit="sishort"),
            series("Work done, by difficulty", "Difficulty of accepted shares times 2^32, in hashes a second: the hash rate that pools pay for. It scatters much over short times.",
                   (f"sum by (ip) (rate(avalon_pool_difficulty_accepted{{{POOL}}}[1h])) * 2^32", "{{ip}}"), unit="Hs"),
            series("Last share", "Age of the last share, of models that send it as Unix time.",
                   (f"time() - max by (ip) (avalon_pool_last_share_time{{{POOL}}} > 1e9)", "{{ip}}"), unit="s"),
        ]),
        row("State", [
            panel("state-timeline", "In use", "Which pool each miner works for.", (f"max by (ip, pool_index) (avalon_pool_active{{{POOL}}})", BY_POOL), w=12, mappings=YES),
            panel("state-timeline", "Alive", "Which pools answer.", (f"max by (ip, pool_index) (avalon_pool_alive{{{POOL}}})", BY_POOL), w=12, mappings=YES),
            series("Failures", "An hour: getting work, submitting shares.", (f"sum by (ip, pool_index) (increase(avalon_pool_get_failures_total{{{POOL}}}[1h]))", BY_POOL + " get"),
                   (f"sum by (ip, pool_index) (increase(avalon_pool_remote_failures_total{{{POOL}}}[1h]))", BY_POOL + " submit")),
            series("Block height", "That each pool works on; one that stays behind the others has lost touch.", (f"max by (ip, pool_index) (avalon_pool_current_block_height{{{POOL}}} > 0)", BY_POOL),
                   unit="none", decimals=0, custom={"axisSoftMin": None}),
        ]),
        row("Traffic", [
            series("Bytes", "A second, received above and sent below the line.", (f"sum by (ip) (rate(avalon_pool_bytes_recv_total{{{POOL}}}[$__rate_interval]))", "{{ip}} received"),
                   (f"-sum by (ip) (rate(avalon_pool_bytes_sent_total{{{POOL}}}[$__rate_interval]))", "{{ip}} sent"), unit="Bps", custom={"axisSoftMin": None}),
            series("Messages", "A minute, received above and sent below the line.", (f"sum by (ip) (rate(avalon_pool_times_recv_total{{{POOL}}}[$__rate_interval])) * 60", "{{ip}} received"),
                   (f"-sum by (ip) (rate(avalon_pool_times_sent_total{{{POOL}}}[$__rate_interval])) * 60", "{{ip}} sent"), unit="cpm", custom={"axisSoftMin": None}),
        ]),
    ],
    marks=[FAILOVER])
