//! The page of one miner at `/miner/<ip>`: all that is known of it, most important first, every value at the end.
//!
//! The list of every value is made of the catalogue, so it cannot lack one. See `fleet_page` for the rules of both pages.

use std::fmt::Display;
use std::time::Duration;

use crate::cgminer::error::ErrorKind;
use crate::metrics::Row;
use crate::metrics::catalogue::{BOARD, BoardAir, ChipValues, IDENTITY, MINER, POLL, POOL};
use crate::miner::{Identity, Miner, Moment, PoolReading, Reading};
use crate::site::chart::{self, Curve};
use crate::site::fleet_page::{View, close, cost_of_day, in_words, note, open, state, stated, total};
use crate::site::html::Html;
use crate::site::summary::{Figure, Summary, Time, reject_percent, warmth, work_mode};
use crate::timestamp::rfc3339;

/// More chips than this are shown in smaller cells.
const CHIPS_LARGE_MAX: usize = 120;

/// The page of one miner.
pub fn page(view: &View<'_>, miner: &Miner) -> String {
    let summary = Summary::new(miner, view.now);
    let title = miner.target.title();
    let mut html = Html::default();
    open(&mut html, view, format_args!("{title}: {}", summary.state.word()));
    html.raw("<header><div><a href=\"/\">← all miners</a><h1>").text(title).raw("</h1>");
    html.raw("<span class=\"soft\">").text(&miner.target.host).raw(" port ").text(miner.target.port);
    if let Some(Identity { model, prod, firmware, .. }) = miner.identity.as_deref() {
        html.raw(" · ").text(stated(prod.as_ref().or(model.as_ref())));
        html.raw(" · firmware ").text(stated(firmware.as_ref()));
    }
    html.raw("</span></div><div>");
    state(&mut html, &summary);
    if let Some(lasted) = summary.lasted {
        let word = if miner.is_up() { "up" } else { "down" };
        html.raw("<small>").raw(word).raw(" for ").text(Time(lasted)).raw("</small>");
    }
    html.raw("</div></header>\n<main>\n");
    trouble(&mut html, miner, &summary);
    totals(&mut html, view, miner, &summary);
    charts(&mut html, view, miner);
    if let Some(reading) = &miner.reading {
        chips(&mut html, reading, &summary);
        boards(&mut html, reading);
        pools(&mut html, reading);
        air_and_power(&mut html, reading);
        work(&mut html, miner, reading);
    }
    identity(&mut html, miner);
    polls(&mut html, view, miner);
    every_value(&mut html, view, miner);
    html.raw("</main>\n");
    let mut path = Html::default();
    path.raw("/miner/").path(&miner.target.label);
    close(&mut html, view, &path.into_text());
    html.into_text()
}

/// What is wrong now, or the last thing that was.
fn trouble(html: &mut Html, miner: &Miner, summary: &Summary) {
    if let Some((what, advice)) = note(miner, summary) {
        html.raw("<section class=\"notes\" aria-label=\"What is wrong\"><b class=\"bad\">").text(what);
        html.raw("</b><br>").raw(advice);
        if miner.reading.is_none() && miner.identity.is_some() {
            html.raw("<br><span class=\"soft\">While it does not answer its readings are gone; identity, energy and the last hour stay.</span>");
        }
        html.raw("</section>\n");
    }
}

fn totals(html: &mut Html, view: &View<'_>, miner: &Miner, summary: &Summary) {
    html.raw("<dl class=\"totals\">\n");
    let average = summary.average.map(|_| format!("mean {}", Figure(summary.average, "TH/s"))).unwrap_or_default();
    total(html, "Hash rate", Figure(summary.terahashes, "TH/s"), average);
    let mean = summary.mean.map_or(String::new(), |mean| format!("mean {}", Figure(Some(mean), "°C")));
    let target = summary.target.map_or(String::new(), |target| format!(", target {}", Figure(Some(target), "")));
    total(html, "Hottest chip", Figure(summary.hottest, "°C"), mean + &target);
    let efficiency = summary.efficiency.map(|_| Figure(summary.efficiency, "J/TH").to_string());
    total(html, "Power", Figure(summary.watts, "W"), efficiency.unwrap_or_default());
    let kwh = miner.meter.joules().map(|joules| joules / 3.6e6);
    let cost = view
        .price
        .zip(miner.meter.cost())
        .map(|((currency, _), cost)| format!("{cost:.2} {currency} since the exporter's start"));
    total(html, "Energy", Figure(kwh, "kWh"), cost.unwrap_or_else(|| "since the exporter's start".to_owned()));
    if let (Some(price), Some(watts)) = (view.price, summary.watts) {
        total(html, "Cost a day", cost_of_day(watts, price), "at the price now");
    }
    total(
        html,
        "Fan",
        Figure(summary.fan, "rpm"),
        summary.duty.map_or(String::new(), |duty| format!("{duty:.0}% of its power")),
    );
    let rejected = summary.reject_percent().map(|percent| format!("{} rejected", Figure(Some(percent), "%")));
    total(html, "Shares accepted", Figure(summary.accepted, ""), rejected.unwrap_or_default());
    html.raw("</dl>\n");
}

fn charts(html: &mut Html, view: &View<'_>, miner: &Miner) {
    let moments: Vec<Moment> = miner.last_hour(view.now).collect();
    html.raw("<div class=\"charts\">\n");
    for (curve, name, unit) in [(Curve::Rate, "Hash rate", "TH/s"), (Curve::Heat, "Hottest chip", "°C")] {
        let range = curve.range(&moments).map_or("nothing yet".to_owned(), |(least, most)| {
            format!("{} to {}", Figure(Some(least.into()), unit), Figure(Some(most.into()), unit))
        });
        html.raw("<figure><figcaption><b>")
            .raw(name)
            .raw(", last hour</b><span>")
            .text(range)
            .raw("</span></figcaption>");
        chart::draw(html, &moments, &[curve], &in_words(&moments));
        html.raw("<div class=\"axis\" aria-hidden=\"true\"><span>1 h ago</span><span>30 min</span><span>now</span></div></figure>\n");
    }
    html.raw("</div>\n");
}

/// The chips as coloured cells, board by board where they can be told apart.
fn chips(html: &mut Html, reading: &Reading, summary: &Summary) {
    let (count, boards) = (reading.chips.len(), reading.boards.len().max(1));
    if count == 0 {
        return;
    }
    let of_board = if count.is_multiple_of(boards) { count / boards } else { count };
    // A miner that does not tell its target still shows which chips stand out.
    let middle = summary.target.or(reading.miner.chip_temp_avg_celsius);
    html.raw("<h2>Chips</h2>\n<div class=\"card\">");
    for (board, chips) in reading.chips.chunks(of_board.max(1)).enumerate() {
        html.raw("<p class=\"scale\">");
        if boards > 1 && of_board < count {
            html.raw("Board ").text(board).raw(" · ");
        }
        html.text(chips.len()).raw(" chips, °C");
        if let (0, Some(middle)) = (board, middle) {
            html.raw(if summary.target.is_some() { " · target " } else { " · mean " }).text(Figure(Some(middle), ""));
            let marks = [("t t0", "cool"), ("t t1", ""), ("t t2", "near it"), ("t t3", ""), ("t t4", "hot")];
            for (class, word) in marks {
                html.raw(" <span class=\"")
                    .raw(class)
                    .raw("\">")
                    .raw(if word.is_empty() { "\u{a0}" } else { word })
                    .raw("</span>");
            }
        }
        html.raw("</p><ol class=\"").raw(if count > CHIPS_LARGE_MAX { "chips dense" } else { "chips" });
        html.raw("\" role=\"img\" aria-label=\"").text(chips_in_words(chips)).raw("\">");
        for (at, chip) in chips.iter().enumerate() {
            let celsius = measured(chip);
            html.raw("<li class=\"").raw(celsius.map_or("", |celsius| warmth(celsius, middle))).raw("\" title=\"chip ");
            html.text(board * of_board + at).raw(": ").text(Figure(celsius, "°C")).raw(", ");
            html.text(Figure(chip.core_volts, "V")).raw(", ");
            html.text(Figure(chip.matching_work, "")).raw(" nonces\">");
            html.text(Figure(celsius, "")).raw("</li>");
        }
        html.raw("</ol>");
    }
    html.raw("</div>\n");
}

/// A chip's temperature. One at 0 or less has no sensor yet.
fn measured(chip: &ChipValues) -> Option<f64> {
    chip.temp_celsius.filter(|celsius| *celsius > 0.0)
}

fn chips_in_words(chips: &[ChipValues]) -> String {
    let temps = chips.iter().filter_map(measured);
    let (least, most) =
        temps.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    if least > most {
        return format!("{} chips without a temperature", chips.len());
    }
    format!("{} chips from {} to {}", chips.len(), Figure(Some(least), "°C"), Figure(Some(most), "°C"))
}

/// Begins a table; columns are class and name.
fn begin_table(html: &mut Html, caption: &'static str, columns: &[(&'static str, &'static str)]) {
    html.raw("<div class=\"card\"><table><caption class=\"vh\">").raw(caption).raw("</caption><thead><tr>");
    for (class, name) in columns {
        html.raw("<th scope=\"col\" class=\"").raw(class).raw("\">").raw(name).raw("</th>");
    }
    html.raw("</tr></thead><tbody>\n");
}

fn number_cell(html: &mut Html, value: impl Display) {
    html.raw("<td class=\"n\">").text(value).raw("</td>");
}

fn boards(html: &mut Html, reading: &Reading) {
    if reading.boards.is_empty() {
        return;
    }
    html.raw("<h2>Boards</h2>\n");
    let columns = [
        ("", "Board"),
        ("n", "Hash rate"),
        ("n", "Hottest"),
        ("n", "Mean"),
        ("n", "Hardware errors"),
        ("n", "Link errors"),
        ("n", "Error code"),
    ];
    begin_table(html, "Hash boards", &columns);
    for (number, board) in reading.boards.iter().enumerate() {
        html.raw("<tr><th scope=\"row\">").text(number).raw("</th>");
        number_cell(html, Figure(board.hashrate_hashes_per_second.map(|rate| rate / 1e12), "TH/s"));
        number_cell(html, Figure(board.temp_max_celsius, "°C"));
        number_cell(html, Figure(board.temp_avg_celsius, "°C"));
        for count in [board.hw_errors_total, board.crc_errors_total, board.error_code] {
            number_cell(html, Figure(count, ""));
        }
        html.raw("</tr>\n");
    }
    html.raw("</tbody></table></div>\n");
}

fn pools(html: &mut Html, reading: &Reading) {
    html.raw("<h2>Pools</h2>\n");
    if reading.pools.is_empty() {
        html.raw("<p>It has none.</p>\n");
        return;
    }
    let columns = [
        ("", "Pool"),
        ("", "State"),
        ("n", "Accepted"),
        ("n", "Rejected"),
        ("n", "Stale"),
        ("n", "Difficulty"),
        ("n", "Best share"),
        ("n", "Failures"),
    ];
    begin_table(html, "Pools, in the miner's order", &columns);
    for pool in &reading.pools {
        pool_row(html, pool);
    }
    html.raw("</tbody></table></div>\n");
}

fn pool_row(html: &mut Html, pool: &PoolReading) {
    let values = &pool.values;
    let (accepted, rejected) = (values.shares_accepted_total, values.shares_rejected_total);
    html.raw("<tr><th scope=\"row\" class=\"long\">").text(stated(pool.url.as_ref()));
    html.raw("<small>pool ").text(pool.index).raw(", priority ").text(stated(pool.priority.as_ref()));
    html.raw("</small></th><td>").text(stated(pool.status.as_ref()));
    html.raw("<small>").raw(if pool.is_active() { "in use" } else { "standby" }).raw("</small></td>");
    number_cell(html, Figure(accepted, ""));
    let percent = accepted.zip(rejected).and_then(|(accepted, rejected)| reject_percent(accepted, rejected));
    html.raw("<td class=\"n\">").text(Figure(rejected, ""));
    html.raw("<small>").text(Figure(percent, "%")).raw("</small></td>");
    number_cell(html, Figure(values.stale_total, ""));
    number_cell(html, Figure(values.stratum_difficulty, ""));
    number_cell(html, Figure(values.best_share, ""));
    let failures = values.get_failures_total.zip(values.remote_failures_total).map(|(get, remote)| get + remote);
    number_cell(html, Figure(failures, ""));
    html.raw("</tr>\n");
}

/// A name and its value.
type Fact = (&'static str, String);

fn list(html: &mut Html, title: &'static str, facts: &[Fact]) {
    html.raw("<h2>").raw(title).raw("</h2>\n<div class=\"card\"><dl class=\"facts\">\n");
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        html.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>\n");
    }
    html.raw("</dl></div>\n");
}

/// A figure as a fact, over a larger unit; nothing where there is none.
fn figure(value: Option<f64>, over: f64, unit: &'static str) -> String {
    value.map_or(String::new(), |value| Figure(Some(value / over), unit).to_string())
}

/// Air, fans and supply: what is in no table.
fn air_and_power(html: &mut Html, reading: &Reading) {
    let values = &reading.miner;
    // -273 is a sensor that is not fitted, 0 one that rests.
    let warm = |celsius: Option<f64>| figure(celsius.filter(|celsius| *celsius > 0.0), 1.0, "°C");
    let fans = reading.fans.iter().map(|rpm| Figure(*rpm, "").to_string()).collect::<Vec<_>>();
    let BoardAir { inlet, outlet, board } = reading.air;
    let facts = [
        ("Air, inlet or ambient", warm(values.temp_ambient_celsius)),
        ("Air, outlet", warm(values.temp_outlet_celsius)),
        ("Fans, rpm", fans.join(" · ")),
        ("Hash board, inlet", figure(inlet, 1.0, "°C")),
        ("Hash board, outlet", figure(outlet, 1.0, "°C")),
        ("Hash board", figure(board, 1.0, "°C")),
        ("Supply, input", figure(values.psu_input_volts, 1.0, "V")),
        ("Supply, output", figure(values.psu_output_volts, 1.0, "V")),
        ("Supply, output set to", figure(values.psu_set_volts, 1.0, "V")),
        ("Supply, output current", figure(values.psu_output_amperes, 1.0, "A")),
        ("Supply, output power", figure(values.psu_output_watts, 1.0, "W")),
        ("Supply, error code", figure(values.psu_error_code, 1.0, "")),
        ("Power limit of the mode", figure(values.mpo_target, 1.0, "W")),
        ("Chips' core voltage, mean", figure(values.chip_core_avg_volts, 1.0, "V")),
    ];
    list(html, "Air and power", &facts);
}

fn work(html: &mut Html, miner: &Miner, reading: &Reading) {
    let values = &reading.miner;
    let model = miner.identity.as_ref().and_then(|identity| identity.model.as_deref());
    let mode = values.work_mode.map_or(String::new(), |mode| {
        let name = model.and_then(|model| work_mode(model, mode));
        name.map_or(mode.to_string(), |name| format!("{mode}, {name}"))
    });
    let uptime = values.uptime_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let facts = [
        ("Running for", uptime.map_or(String::new(), |uptime| Time(uptime).to_string())),
        ("Work mode", mode),
        ("Hash rate, 1 min", figure(values.hashrate_1m_ghs, 1000.0, "TH/s")),
        ("Hash rate, 5 min", figure(values.hashrate_5m_ghs, 1000.0, "TH/s")),
        ("Hash rate, 15 min", figure(values.hashrate_15m_ghs, 1000.0, "TH/s")),
        ("Hash rate by the clocks", figure(values.hashrate_moving_ghs, 1000.0, "TH/s")),
        ("Clock", figure(values.frequency_mhz, 1.0, "MHz")),
        ("Hardware errors", figure(values.hw_errors_total, 1.0, "")),
        ("Hardware error rate", figure(values.hw_error_rate_percent, 1.0, "%")),
        ("Stale shares", figure(values.shares_stale_total, 1.0, "")),
        ("Best share", figure(values.best_share, 1.0, "")),
        ("Blocks found", figure(values.blocks_found_total, 1.0, "")),
        ("Round trip to the pool", figure(values.ping_seconds.map(|seconds| seconds * 1000.0), 1.0, "ms")),
        ("Wi-Fi", figure(values.wifi_rssi_dbm, 1.0, "dBm")),
        ("Dust filter ran for", figure(values.filter_runtime_seconds, 3600.0, "h")),
        ("Controller, error code", figure(values.controller_error_code, 1.0, "")),
        ("Controller, free memory", figure(values.memory_free_bytes, 1_048_576.0, "MiB")),
    ];
    list(html, "Work", &facts);
}

fn identity(html: &mut Html, miner: &Miner) {
    let Some(identity) = miner.identity.as_deref() else { return };
    let texts = identity.clone().into_array().map(Option::unwrap_or_default);
    let facts: Vec<Fact> = IDENTITY.iter().map(|label| label.name).zip(texts).collect();
    list(html, "Identity", &facts);
}

/// What the exporter itself knows of it.
fn polls(html: &mut Html, view: &View<'_>, miner: &Miner) {
    let values = miner.poll_values(view.now);
    let count = |value| figure(value, 1.0, "");
    let failure = miner
        .failure
        .as_ref()
        .map(|failure| format!("{} ({}, {})", failure.text, failure.kind.name(), rfc3339(failure.at)));
    let mut facts = vec![
        ("Last answer", miner.success.map_or("never".to_owned(), |(_, at)| rfc3339(at))),
        ("Last poll took", miner.duration.map_or(String::new(), |took| format!("{:.3}\u{a0}s", took.as_secs_f64()))),
        ("Times it came up", count(values.status_ups_total)),
        ("Times it went down", count(values.status_downs_total)),
        ("Skipped polls", count(values.polls_skipped_total)),
        ("Failed polls", count(values.scrape_errors_total)),
    ];
    for kind in ErrorKind::ALL.into_iter().filter(|kind| miner.errors_of(*kind) > 0) {
        facts.push((kind_name(kind), count(Some(miner.errors_of(kind) as f64))));
    }
    list(html, "Polls", &facts);
    // Of a miner that is down it stands at the top already.
    if let Some(failure) = failure.filter(|_| miner.is_up()) {
        html.raw("<p>Last error: <span class=\"bad\">").text(failure).raw("</span>. ");
        html.raw(miner.failure.as_ref().map_or("", |failure| failure.kind.advice())).raw("</p>\n");
    }
}

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Timeout => "… of them timed out",
        ErrorKind::ConnectionRefused => "… were refused",
        ErrorKind::Network => "… failed in the network",
        ErrorKind::Parse => "… had an unreadable reply",
        ErrorKind::Other => "… failed otherwise",
    }
}

/// All values as `/metrics` has them.
fn every_value(html: &mut Html, view: &View<'_>, miner: &Miner) {
    html.raw("<details class=\"card\"><summary>Every value, as on /metrics</summary><table><thead><tr><th scope=\"col\">Metric</th>");
    html.raw("<th scope=\"col\" class=\"n\">Value</th><th scope=\"col\">Meaning</th></tr></thead><tbody>\n");
    let rows = POLL.iter().zip(miner.poll_values(view.now).into_array());
    rows.for_each(|(row, value)| value_row(html, row, None, value));
    if let Some(reading) = &miner.reading {
        MINER.iter().zip(reading.miner.into_array()).for_each(|(row, value)| value_row(html, row, None, value));
        for (number, board) in reading.boards.iter().enumerate() {
            let rows = BOARD.iter().zip(board.into_array());
            rows.for_each(|(row, value)| value_row(html, row, Some(("board", number)), value));
        }
        for (number, pool) in reading.pools.iter().enumerate() {
            let rows = POOL.iter().zip(pool.values.into_array());
            rows.for_each(|(row, value)| value_row(html, row, Some(("pool", number)), value));
        }
    }
    html.raw("</tbody></table></details>\n");
}

fn value_row<S>(html: &mut Html, row: &Row<S>, of: Option<(&'static str, usize)>, value: Option<f64>) {
    let Some(value) = value else { return };
    html.raw("<tr><td><code>").raw(row.name).raw("</code>");
    if let Some((part, number)) = of {
        html.raw("<small>").raw(part).raw(" ").text(number).raw("</small>");
    }
    html.raw("</td><td class=\"n\">").text(value).raw("</td><td class=\"soft\">").raw(row.help).raw("</td></tr>\n");
}
