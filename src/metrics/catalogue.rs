//! THE CATALOGUE: every metric family of the page, one row each, in the order of the page and of `docs/fields.md`.
//!
//! A metric's name is here and nowhere else in `src/`. There is one table for each set of labels; `source` says what a
//! row is made of.
//!
//! The names up to the heading "New families" of each table are those of the Python exporter: dashboards and alert rules
//! use them, so neither name nor type nor labels change, even where a better name is at hand. New names follow the
//! Prometheus conventions: base units, `_total` for counters and for nothing else.

use crate::metrics::psu::Quantity::{InputVolts, OutputAmperes, OutputVolts, OutputWatts, SetVolts, Watts};
use crate::metrics::source::BoardSource::{self, Live, Temp};
use crate::metrics::source::MinerSource::{
    self, Ambient, ChipCount, Chips, Core, Device, Difficulty, Efficiency, Filter, HashBoards, Hashrate, Item, Rssi, Slot,
    SoftOff, Summary, Supply, SupplyError, Uptime, Whole, Working,
};
use crate::metrics::source::PoolSource::{self, Active, Alive, Field, Flag, Stats, Up};
use crate::metrics::source::{
    ChipSource, IdentityLabel, List, Position, Row, Scale, Stat, counter, gauge, label, position, table,
};

table! {
    /// Labels of `avalon_info` after `ip`.
    IDENTITY: IdentityLabel, Identity<Option<String>> {
        model: label("model", &["MODEL"]),
        prod: label("prod", &["PROD"]),
        firmware: label("firmware", &["LVERSION", "CGVERSION", "VERSION"]),
        cgminer: label("cgminer", &["CGMiner"]),
        api: label("api", &["API"]),
        hwtype: label("hwtype", &["HWTYPE"]),
        swtype: label("swtype", &["SWTYPE"]),
        dna: label("dna", &["DNA"]),
        mac: label("mac", &["MAC"]),
    }
}

table! {
    /// Labels of a pool's contractual families after `ip`.
    POOL_LABELS: &str, PoolLabels<String> {
        pool_index: "pool_index",
        url: "url",
        priority: "priority",
        status: "status",
        id: "id",
    }
}

table! {
    /// Where the air on the hash board is measured.
    POSITIONS: Position, BoardAir<Option<f64>> {
        inlet: position("inlet", "HBITemp"),
        outlet: position("outlet", "HBOTemp"),
        board: position("board", "HBTemp"),
    }
}

/// Labels that service discovery gives a target: what the settings call the miner, and what it says it is.
pub const SD_NAME: &str = "__meta_avalon_name";
/// See [`SD_NAME`].
pub const SD_MODEL: &str = "__meta_avalon_model";
/// See [`SD_NAME`].
pub const SD_FIRMWARE: &str = "__meta_avalon_firmware";
/// The value of the label `ip` on the page.
pub const SD_IP: &str = "__meta_avalon_ip";

/// The program and its version.
pub const EXPORTER_INFO: Row<&str> = gauge("avalon_exporter_info", "the program", "Version of this exporter, always 1");

table! {
    /// What the exporter says of each miner, by `ip`.
    POLL: Row<&str>, PollValues<Option<f64>> {
        up: gauge("avalon_up", "the exporter", "1 if the last poll of this miner succeeded, else 0"),
        last_scrape_timestamp_seconds: gauge("avalon_last_scrape_timestamp_seconds", "the exporter", "Unix time of the last successful poll, 0 if none yet"),
        down_duration_seconds: gauge("avalon_down_duration_seconds", "the exporter", "0 while up, else seconds since the last successful poll (since the exporter's start if there was none)"),
        scrape_duration_seconds: gauge("avalon_scrape_duration_seconds", "the exporter", "How long the last poll took, failed ones too"),
        scrape_errors_total: counter("avalon_scrape_errors_total", "the exporter", "Failed polls"),
        scrape_errors_timeout_total: counter("avalon_scrape_errors_timeout_total", "the exporter", "Failed polls: the deadline passed"),
        scrape_errors_connection_refused_total: counter("avalon_scrape_errors_connection_refused_total", "the exporter", "Failed polls: connection refused"),
        scrape_errors_network_total: counter("avalon_scrape_errors_network_total", "the exporter", "Failed polls: name resolution, unreachable, reset and other network errors"),
        scrape_errors_parse_total: counter("avalon_scrape_errors_parse_total", "the exporter", "Failed polls: empty, incomplete, oversized or malformed reply"),
        scrape_errors_other_total: counter("avalon_scrape_errors_other_total", "the exporter", "Failed polls: anything else"),
        status_changes_total: counter("avalon_status_changes_total", "the exporter", "Transitions between up and down; the first poll is none"),
        status_ups_total: counter("avalon_status_ups_total", "the exporter", "Transitions to up"),
        status_downs_total: counter("avalon_status_downs_total", "the exporter", "Transitions to down"),
        // New families.
        polls_skipped_total: counter("avalon_polls_skipped_total", "the exporter", "Cycles in which this miner was not polled because its last poll was still running"),
        series_dropped_total: counter("avalon_series_dropped_total", "the exporter", "Chips, boards, pools and ends of long labels left out because a reply had more than a page may show, summed over all polls"),
        energy_joules_total: counter("avalon_energy_joules_total", "decoded power over time", "Energy used since the exporter's start: decoded power integrated over the time between polls while up"),
    }
}

/// What the energy cost, by `ip` and `currency`.
pub const ENERGY_COST: Row<&str> = counter("avalon_energy_cost_total", "energy and ELECTRICITY_PRICE", "Cost of the energy used since the exporter's start, each part at the price when its poll ended");

/// Identity, by `ip` and [`IDENTITY`].
pub const INFO: Row<&str> = gauge("avalon_info", "version: the label's name in capitals, `CGMiner`; firmware: `LVERSION`, else `CGVERSION`, else `VERSION`; model and firmware else from item `Ver`", "Model, firmware and identity of the miner, always 1; kept while it is down");
/// The name that the settings give a miner, by `ip` and `name`.
pub const MINER_NAME: Row<&str> = gauge("avalon_miner_name", "AVALON_IP, AVALON_IPS", "Name that the settings give this miner, always 1");

table! {
    /// One value a miner, by `ip`.
    MINER: Row<MinerSource>, MinerValues<Option<f64>> {
        uptime_seconds: gauge("avalon_uptime_seconds", Uptime, "Seconds since the miner's mining program started"),
        work_mode: gauge("avalon_work_mode", Item("WORKMODE"), "Work mode; Nano 3S: 0 low 1 medium 2 high; Q: 0 eco 1 standard 2 super; Mini 3: 0 heating 1 mining 2 night"),
        system_working: gauge("avalon_system_working", Working, "1 if the miner says that it works, 0 if it is in init, idle or fault"),
        hash_boards: gauge("avalon_hash_boards", HashBoards, "Hash boards that the miner has found"),
        activation: gauge("avalon_activation", Item("Activation"), "Whether the miner is activated"),
        soft_power_off: gauge("avalon_soft_power_off", SoftOff, "1 if the miner was switched off by software, whatever the reason"),
        lcd_on: gauge("avalon_lcd_on", Item("LcdOnoff"), "Whether the display is on"),
        lcd_switch: gauge("avalon_lcd_switch", Item("LcdSwitch"), "Display mode"),
        temp_inlet_celsius: gauge("avalon_temp_inlet_celsius", Item("ITemp"), "Air inlet temperature as sent; -273 where there is no sensor"),
        temp_ambient_celsius: gauge("avalon_temp_ambient_celsius", Ambient, "Ambient temperature as sent; -273 where there is no sensor"),
        temp_current_celsius: gauge("avalon_temp_current_celsius", Item("Temp"), "Inlet or ambient temperature of models without ITemp, as sent"),
        temp_outlet_celsius: gauge("avalon_temp_outlet_celsius", Item("OTemp"), "Air outlet temperature as sent"),
        temp_avg_celsius: gauge("avalon_temp_avg_celsius", Item("TAvg"), "Mean chip temperature as sent; 0 in standby"),
        temp_max_celsius: gauge("avalon_temp_max_celsius", Item("TMax"), "Hottest chip's temperature as sent; 0 in standby"),
        temp_target_celsius: gauge("avalon_temp_target_celsius", Item("TarT"), "Chip temperature that the miner regulates to"),
        total_asics: gauge("avalon_total_asics", Item("TA"), "Number of chips"),
        fan1_rpm: gauge("avalon_fan1_rpm", Item("Fan1"), "Speed of fan 1 in revolutions a minute"),
        fan2_rpm: gauge("avalon_fan2_rpm", Item("Fan2"), "Speed of fan 2 in revolutions a minute"),
        fan_duty_percent: gauge("avalon_fan_duty_percent", Item("FanR"), "Fan duty cycle"),
        hashrate_ghs: gauge("avalon_hashrate_ghs", Hashrate(Scale::One, Scale::Over(1000.0)), "Hash rate now in GH/s"),
        hashrate_1m_ghs: gauge("avalon_hashrate_1m_ghs", Summary("MHS 1m"), "Hash rate of the last minute in GH/s").over(1000.0),
        hashrate_5m_ghs: gauge("avalon_hashrate_5m_ghs", Summary("MHS 5m"), "Hash rate of the last 5 minutes in GH/s").over(1000.0),
        hashrate_15m_ghs: gauge("avalon_hashrate_15m_ghs", Summary("MHS 15m"), "Hash rate of the last 15 minutes in GH/s").over(1000.0),
        hashrate_moving_ghs: gauge("avalon_hashrate_moving_ghs", Item("GHSmm"), "Theoretical hash rate from the chips' clocks in GH/s; in standby that of the last run"),
        hashrate_avg_ghs: gauge("avalon_hashrate_avg_ghs", Item("GHSavg"), "Mean hash rate since the miner's start in GH/s; in standby that of the last run"),
        work_utility: gauge("avalon_work_utility", Item("WU"), "Work utility of the device: difficulty-1 shares a minute"),
        frequency_mhz: gauge("avalon_frequency_mhz", Item("Freq"), "Mean clock of the chips in MHz"),
        hw_errors_total: counter("avalon_hw_errors_total", Item("HW"), "Hardware errors since the miner's start"),
        hw_error_rate_percent: gauge("avalon_hw_error_rate_percent", Item("DH"), "Hardware error rate over a long time"),
        hw_error_rate_speed_percent: gauge("avalon_hw_error_rate_speed_percent", Item("DHspd"), "Hardware error rate of late"),
        mm_count: gauge("avalon_mm_count", Device("MM Count"), "Modules"),
        nonce_mask: gauge("avalon_nonce_mask", Device("Nonce Mask"), "Nonce mask"),
        mpo_target: gauge("avalon_mpo_target", Item("MPO"), "Power limit of the work mode in W: a setting, not a measurement"),
        ps_slot_0: gauge("avalon_ps_slot_0", Slot(0), "Slot 0 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_1: gauge("avalon_ps_slot_1", Slot(1), "Slot 1 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_2: gauge("avalon_ps_slot_2", Slot(2), "Slot 2 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_3: gauge("avalon_ps_slot_3", Slot(3), "Slot 3 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_4: gauge("avalon_ps_slot_4", Slot(4), "Slot 4 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_5: gauge("avalon_ps_slot_5", Slot(5), "Slot 5 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_6: gauge("avalon_ps_slot_6", Slot(6), "Slot 6 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_7: gauge("avalon_ps_slot_7", Slot(7), "Slot 7 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_8: gauge("avalon_ps_slot_8", Slot(8), "Slot 8 of the supply's item PS as sent; what it means depends on the model"),
        ps_slot_9: gauge("avalon_ps_slot_9", Slot(9), "Slot 9 of the supply's item PS as sent; what it means depends on the model"),
        power_err: gauge("avalon_power_err", Slot(0), "Slot 0 of PS as sent: error bits of the supply"),
        power_vout: gauge("avalon_power_vout", Slot(2), "Slot 2 of PS as sent; avalon_psu_output_volts and avalon_psu_input_volts are decoded"),
        power_iout: gauge("avalon_power_iout", Slot(3), "Slot 3 of PS as sent; avalon_psu_output_amperes is decoded"),
        power_vout_cmd: gauge("avalon_power_vout_cmd", Slot(5), "Slot 5 of PS as sent; avalon_psu_set_volts is decoded"),
        power_pout_wall: gauge("avalon_power_pout_wall", Slot(6), "Slot 6 of PS as sent; avalon_power_watts is decoded"),
        shares_accepted_total: counter("avalon_shares_accepted_total", Summary("Accepted"), "Shares that pools accepted"),
        shares_rejected_total: counter("avalon_shares_rejected_total", Summary("Rejected"), "Shares that pools rejected"),
        shares_stale_total: counter("avalon_shares_stale_total", Summary("Stale"), "Shares that came too late"),
        blocks_found_total: counter("avalon_blocks_found_total", Summary("Found Blocks"), "Blocks found"),
        best_share: gauge("avalon_best_share", Summary("Best Share"), "Difficulty of the best share since the miner's start"),
        device_hw_error_percent: gauge("avalon_device_hw_error_percent", Summary("Device Hardware%"), "Hardware errors of all devices"),
        device_rejected_percent: gauge("avalon_device_rejected_percent", Summary("Device Rejected%"), "Rejected shares of all devices"),
        session_pool_rejected_percent: gauge("avalon_session_pool_rejected_percent", Summary("Pool Rejected%"), "Rejected shares of all pools since the miner's start"),
        session_pool_stale_percent: gauge("avalon_session_pool_stale_percent", Summary("Pool Stale%"), "Stale shares of all pools since the miner's start"),
        work_utility_summary: gauge("avalon_work_utility_summary", Summary("Work Utility"), "Work utility of the whole miner: difficulty-1 shares a minute"),
        chip_count: gauge("avalon_chip_count", ChipCount, "Chips that report, over all boards"),
        chip_temp_min_celsius: gauge("avalon_chip_temp_min_celsius", Chips(List::Temp, Stat::Min), "Coolest chip as sent; in standby that of the last run"),
        chip_temp_avg_celsius: gauge("avalon_chip_temp_avg_celsius", Chips(List::Temp, Stat::Avg), "Mean of the chips' temperatures as sent; in standby that of the last run"),
        chip_temp_max_celsius: gauge("avalon_chip_temp_max_celsius", Chips(List::Temp, Stat::Max), "Hottest chip as sent; in standby that of the last run"),
        chip_voltage_min_volts: gauge("avalon_chip_voltage_min_volts", Chips(List::Voltage, Stat::Min), "Lowest raw chip voltage / 100, ten times the true one; see avalon_chip_core_min_volts").over(100.0),
        chip_voltage_avg_volts: gauge("avalon_chip_voltage_avg_volts", Chips(List::Voltage, Stat::Avg), "Mean raw chip voltage / 100, ten times the true one; see avalon_chip_core_avg_volts").over(100.0),
        chip_voltage_max_volts: gauge("avalon_chip_voltage_max_volts", Chips(List::Voltage, Stat::Max), "Highest raw chip voltage / 100, ten times the true one; see avalon_chip_core_max_volts").over(100.0),
        chip_matching_work_min: gauge("avalon_chip_matching_work_min", Chips(List::Work, Stat::Min), "Fewest nonces that a chip found"),
        chip_matching_work_avg: gauge("avalon_chip_matching_work_avg", Chips(List::Work, Stat::Avg), "Mean of the nonces that chips found"),
        chip_matching_work_max: gauge("avalon_chip_matching_work_max", Chips(List::Work, Stat::Max), "Most nonces that a chip found"),
        chip_matching_work_sum: gauge("avalon_chip_matching_work_sum", Chips(List::Work, Stat::Sum), "Nonces that all chips found"),
        // New families.
        power_watts: gauge("avalon_power_watts", Supply(Watts), "Power by the supply's measurement: at the wall, but for an A10 at the boards"),
        efficiency_joules_per_terahash: gauge("avalon_efficiency_joules_per_terahash", Efficiency, "Power by hash rate, while hashing"),
        hashrate_hashes_per_second: gauge("avalon_hashrate_hashes_per_second", Hashrate(Scale::Times(1e9), Scale::Times(1e6)), "Hash rate now"),
        hashes_total: counter("avalon_hashes_total", Summary("Total MH"), "Hashes since the miner's start").times(1e6),
        psu_input_volts: gauge("avalon_psu_input_volts", Supply(InputVolts), "Voltage at the supply's input"),
        psu_output_volts: gauge("avalon_psu_output_volts", Supply(OutputVolts), "Voltage at the supply's output"),
        psu_output_amperes: gauge("avalon_psu_output_amperes", Supply(OutputAmperes), "Current at the supply's output"),
        psu_output_watts: gauge("avalon_psu_output_watts", Supply(OutputWatts), "Power at the supply's output"),
        psu_set_volts: gauge("avalon_psu_set_volts", Supply(SetVolts), "Output voltage that the controller asks for"),
        psu_error_code: gauge("avalon_psu_error_code", SupplyError, "Error bits of the supply, 0 is fine"),
        soft_off_reason: gauge("avalon_soft_off_reason", Item("SoftOFF"), "Reason why the miner is switched off by software, 0 if it is not; 4 is standby on the Q"),
        controller_error_code: gauge("avalon_controller_error_code", Item("ECMM"), "Error bits of the controller, 0 is fine"),
        work_level: gauge("avalon_work_level", Item("WORKLEVEL"), "Work level"),
        ping_seconds: gauge("avalon_ping_seconds", Item("PING"), "Mean round trip of the last share submissions").over(1000.0),
        memory_free_bytes: gauge("avalon_memory_free_bytes", Whole("MEMFREE"), "Free memory of the controller").times(1024.0),
        pool_failures_total: counter("avalon_pool_failures_total", Item("PFCnt"), "Pool failures since the miner's boot"),
        local_works_total: counter("avalon_local_works_total", Item("LW"), "Work items that the device was given"),
        chip_core_min_volts: gauge("avalon_chip_core_min_volts", Core(Stat::Min), "Lowest core voltage of a chip, while the chips work").over(1000.0),
        chip_core_avg_volts: gauge("avalon_chip_core_avg_volts", Core(Stat::Avg), "Mean core voltage of the chips, while they work").over(1000.0),
        chip_core_max_volts: gauge("avalon_chip_core_max_volts", Core(Stat::Max), "Highest core voltage of a chip, while the chips work").over(1000.0),
        wifi_rssi_dbm: gauge("avalon_wifi_rssi_dbm", Rssi, "Strength of the Wi-Fi signal, when the miner is on Wi-Fi"),
        filter_runtime_seconds: gauge("avalon_filter_runtime_seconds", Filter, "Running time of the dust filter").times(60.0),
        network_difficulty: gauge("avalon_network_difficulty", Difficulty, "Difficulty of the Bitcoin network, as the miner knows it"),
    }
}

/// 1 for the state that the miner is in, by `ip` and `state`.
pub const SYSTEM_STATE: Row<&str> = gauge("avalon_system_state", "item `SYSTEMSTATU`, else `STATE`", "1 for the state that the miner is in, 0 for the others");

table! {
    /// One value a board, by `ip` and `board`.
    BOARD: Row<BoardSource>, BoardValues<Option<f64>> {
        error_code: gauge("avalon_board_error_code", BoardSource::Item("ECHU"), "Error bits of the board, 0 is fine; 512 stands on healthy A10s"),
        hashrate_hashes_per_second: gauge("avalon_board_hashrate_hashes_per_second", Live("MGHS"), "Mean hash rate of the board since the miner's start, while it works").times(1e9),
        temp_max_celsius: gauge("avalon_board_temp_max_celsius", Temp("MTmax"), "Hottest chip of the board, while it works"),
        temp_avg_celsius: gauge("avalon_board_temp_avg_celsius", Temp("MTavg"), "Mean chip temperature of the board, while it works"),
        hw_errors_total: counter("avalon_board_hw_errors_total", BoardSource::Item("MH"), "Hardware errors of the board since the miner's start"),
        crc_errors_total: counter("avalon_board_crc_errors_total", BoardSource::Item("CRC"), "Link errors of the board since the miner's start"),
    }
}

/// One value a fan, by `ip` and `fan`.
pub const FAN_RPM: Row<&str> = gauge("avalon_fan_rpm", "items `Fan1`, `Fan2`, ...", "Speed of a fan in revolutions a minute; a fan that is not fitted reads 0");
/// Sensors on the hash board, by `ip` and `position`.
pub const TEMP_BOARD: Row<&str> = gauge("avalon_temp_board_celsius", "items `HBITemp`, `HBOTemp`, `HBTemp`", "Temperature on the hash board, while it works");

table! {
    /// One value a chip, by `ip` and `chip`; only with `EXPORT_CHIP_METRICS`.
    CHIP: Row<ChipSource>, ChipValues<Option<f64>> {
        temp_celsius: gauge("avalon_chip_temp_celsius", ChipSource::List(List::Temp), "Temperature of a chip as sent; in standby that of the last run"),
        voltage_volts: gauge("avalon_chip_voltage_volts", ChipSource::List(List::Voltage), "Raw voltage of a chip / 100, ten times the true one; see avalon_chip_core_volts").over(100.0),
        matching_work: gauge("avalon_chip_matching_work", ChipSource::List(List::Work), "Nonces that a chip found"),
        // New families.
        core_volts: gauge("avalon_chip_core_volts", ChipSource::Core, "Core voltage of a chip, while it works").over(1000.0),
    }
}

table! {
    /// One value a pool, by `ip` and [`POOL_LABELS`].
    POOL: Row<PoolSource>, PoolValues<Option<f64>> {
        up: gauge("avalon_pool_up", Up, "1 if the pool is alive and its stratum session is the active one"),
        getworks_total: counter("avalon_pool_getworks_total", Field("Getworks"), "Work requests"),
        works_total: counter("avalon_pool_works_total", Field("Works"), "Work items from the pool"),
        discarded_total: counter("avalon_pool_discarded_total", Field("Discarded"), "Work items thrown away"),
        stale_total: counter("avalon_pool_stale_total", Field("Stale"), "Shares that came too late"),
        shares_stale_total: counter("avalon_pool_shares_stale_total", Field("Stale"), "Shares that came too late, the same as avalon_pool_stale_total"),
        bad_work_total: counter("avalon_pool_bad_work_total", Field("Bad Work"), "Bad work items from the pool"),
        get_failures_total: counter("avalon_pool_get_failures_total", Field("Get Failures"), "Failures to get work"),
        remote_failures_total: counter("avalon_pool_remote_failures_total", Field("Remote Failures"), "Failures to submit shares"),
        shares_accepted_total: counter("avalon_pool_shares_accepted_total", Field("Accepted"), "Shares that the pool accepted"),
        shares_rejected_total: counter("avalon_pool_shares_rejected_total", Field("Rejected"), "Shares that the pool rejected"),
        diff1_shares_total: counter("avalon_pool_diff1_shares_total", Field("Diff1 Shares"), "Difficulty-1 shares found"),
        difficulty_accepted: gauge("avalon_pool_difficulty_accepted", Field("Difficulty Accepted"), "Sum of the difficulties of accepted shares"),
        difficulty_rejected: gauge("avalon_pool_difficulty_rejected", Field("Difficulty Rejected"), "Sum of the difficulties of rejected shares"),
        difficulty_stale: gauge("avalon_pool_difficulty_stale", Field("Difficulty Stale"), "Sum of the difficulties of stale shares"),
        last_share_difficulty: gauge("avalon_pool_last_share_difficulty", Field("Last Share Difficulty"), "Difficulty of the last share"),
        work_difficulty: gauge("avalon_pool_work_difficulty", Field("Work Difficulty"), "Difficulty of the current work"),
        stratum_difficulty: gauge("avalon_pool_stratum_difficulty", Field("Stratum Difficulty"), "Difficulty that the pool's stratum session asks for"),
        best_share: gauge("avalon_pool_best_share", Field("Best Share"), "Difficulty of the best share found for the pool"),
        rejected_percent: gauge("avalon_pool_rejected_percent", Field("Pool Rejected%"), "Rejected shares of the pool"),
        stale_percent: gauge("avalon_pool_stale_percent", Field("Pool Stale%"), "Stale shares of the pool"),
        current_block_height: gauge("avalon_pool_current_block_height", Field("Current Block Height"), "Height of the block that the pool works on"),
        current_block_version: gauge("avalon_pool_current_block_version", Field("Current Block Version"), "Version of the block that the pool works on"),
        last_share_time: gauge("avalon_pool_last_share_time", Field("Last Share Time"), "When the last share was found, as sent: Unix time, on some models seconds since the start"),
        times_sent_total: counter("avalon_pool_times_sent_total", Stats("Times Sent"), "Messages to the pool"),
        times_recv_total: counter("avalon_pool_times_recv_total", Stats("Times Recv"), "Messages from the pool"),
        bytes_sent_total: counter("avalon_pool_bytes_sent_total", Stats("Bytes Sent"), "Bytes to the pool"),
        bytes_recv_total: counter("avalon_pool_bytes_recv_total", Stats("Bytes Recv"), "Bytes from the pool"),
        net_bytes_sent_total: counter("avalon_pool_net_bytes_sent_total", Stats("Net Bytes Sent"), "Bytes on the wire to the pool"),
        net_bytes_recv_total: counter("avalon_pool_net_bytes_recv_total", Stats("Net Bytes Recv"), "Bytes on the wire from the pool"),
        work_diff: gauge("avalon_pool_work_diff", Stats("Work Diff"), "Difficulty of the current work, from stats"),
        min_diff: gauge("avalon_pool_min_diff", Stats("Min Diff"), "Lowest difficulty seen"),
        max_diff: gauge("avalon_pool_max_diff", Stats("Max Diff"), "Highest difficulty seen"),
        min_diff_count: counter("avalon_pool_min_diff_count", Stats("Min Diff Count"), "Work items at the lowest difficulty"),
        max_diff_count: counter("avalon_pool_max_diff_count", Stats("Max Diff Count"), "Work items at the highest difficulty"),
        work_had_roll_time: gauge("avalon_pool_work_had_roll_time", Flag("Work Had Roll Time"), "Whether work had a roll time"),
        work_can_roll: gauge("avalon_pool_work_can_roll", Flag("Work Can Roll"), "Whether work can be rolled"),
        work_had_expire: gauge("avalon_pool_work_had_expire", Flag("Work Had Expire"), "Whether work had an expiry"),
        work_roll_time_seconds: gauge("avalon_pool_work_roll_time_seconds", Stats("Work Roll Time"), "Roll time of work"),
    }
}

table! {
    /// One value a pool with labels that survive a fail-over, by `ip` and `pool_index`.
    POOL_STATE: Row<PoolSource>, PoolStateValues<Option<f64>> {
        alive: gauge("avalon_pool_alive", Alive, "1 if the pool answers; a healthy standby pool is alive and not active"),
        active: gauge("avalon_pool_active", Active, "1 if the pool's stratum session is the active one"),
        priority: gauge("avalon_pool_priority", Field("Priority"), "Place in the order of fail-over, 0 is the first"),
    }
}

/// How long the last whole cycle of polls took.
pub const CYCLE_DURATION: Row<&str> = gauge("avalon_poll_cycle_duration_seconds", "the poller", "From the start of the last complete poll cycle to the end of its last poll");
/// The tariff's price now, by `currency`.
pub const ELECTRICITY_PRICE: Row<&str> = gauge("avalon_electricity_price", "ELECTRICITY_PRICE", "Price of a kWh now");
/// What became of connections, by `result`.
pub const HTTP_CONNECTIONS: Row<&str> = counter("avalon_http_connections_total", "the exporter", "Connections of clients: accepted, of those refused, evicted for others or timed out; rebuilt counts restarts of the inner server");
/// Answered requests, by `path` and `code`.
pub const HTTP_REQUESTS: Row<&str> = counter("avalon_http_requests_total", "the exporter", "Requests that the endpoints answered, by path and status; what was refused before is in avalon_http_connections_total");

table! {
    /// The exporter's process, without labels.
    PROCESS: Row<&str>, ProcessValues<Option<f64>> {
        cpu_seconds_total: counter("process_cpu_seconds_total", "/proc/self", "User and system CPU time spent"),
        resident_memory_bytes: gauge("process_resident_memory_bytes", "/proc/self", "Resident memory"),
        virtual_memory_bytes: gauge("process_virtual_memory_bytes", "/proc/self", "Virtual memory"),
        open_fds: gauge("process_open_fds", "/proc/self", "Open file descriptors"),
        max_fds: gauge("process_max_fds", "/proc/self", "Limit of open file descriptors"),
        start_time_seconds: gauge("process_start_time_seconds", "/proc/self", "Unix time of the process's start"),
        threads: gauge("process_threads", "/proc/self", "Threads of the process"),
    }
}
