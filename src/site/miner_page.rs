//! The page of one miner at `/miner/<ip>`: all that is known of it, most important first, every value at the end.
//!
//! The list of every value is made of the catalogue, so it cannot lack one. See `status_page` for the rules of both pages.

use std::fmt::Display;

use crate::cgminer::error::ErrorKind;
use crate::metrics::catalogue::{
    BOARD, Board, CHIP, Chip, List, MINER, Miner as Source, POLL, POOL, POSITIONS, Poll, Pool, Row, Stat,
};
use crate::metrics::psu::Quantity;
use crate::miner::collect::{PoolReading, Reading, info_label, info_labels, value_of};
use crate::miner::store::Miner;
use crate::site::chart::{self, Curve, Point};
use crate::site::fleet_page::{View, close, cost_of_day, in_words, note, open, state, total};
use crate::site::html::Html;
use crate::site::summary::{Figure, Glance, Time, reject_percent, warmth, work_mode};
use crate::timestamp::rfc3339;

/// More chips than this are shown in smaller cells.
const CHIPS_LARGE_MAX: usize = 120;

/// The page of one miner.
pub fn page(view: &View<'_>, miner: &Miner) -> String {
    let glance = Glance::new(miner, view.now);
    let title = miner.target.title();
    let mut html = Html::default();
    open(&mut html, view, format_args!("{title}: {}", glance.state.word()));
    html.raw("<header><div><a href=\"/\">← all miners</a><h1>").text(title).raw("</h1>");
    html.raw("<span class=\"soft\">").text(&miner.target.host).raw(" port ").text(miner.target.port);
    if let Some([model, prod, firmware, ..]) = miner.info.as_ref().map(|info| info.all()) {
        let product = if prod.is_empty() { model } else { prod };
        html.raw(" · ").text(product).raw(" · firmware ").text(firmware);
    }
    html.raw("</span></div><div>");
    state(&mut html, &glance);
    if let Some(lasted) = glance.lasted {
        let word = if miner.is_up() { "up" } else { "down" };
        html.raw("<small>").raw(word).raw(" for ").text(Time(lasted)).raw("</small>");
    }
    html.raw("</div></header>\n<main>\n");
    trouble(&mut html, miner, &glance);
    totals(&mut html, view, miner, &glance);
    charts(&mut html, view, miner);
    if let Some(reading) = &miner.reading {
        chips(&mut html, reading, &glance);
        boards(&mut html, reading);
        pools(&mut html, reading);
        facts(&mut html, miner, reading);
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
fn trouble(html: &mut Html, miner: &Miner, glance: &Glance) {
    if let Some((what, advice)) = note(miner, glance) {
        html.raw("<section class=\"notes\" aria-label=\"What is wrong\"><b class=\"bad\">").text(what);
        html.raw("</b><br>").raw(advice);
        if miner.reading.is_none() && miner.info.is_some() {
            html.raw("<br><span class=\"soft\">While it does not answer its readings are gone; identity, energy and the last hour stay.</span>");
        }
        html.raw("</section>\n");
    }
}

fn totals(html: &mut Html, view: &View<'_>, miner: &Miner, glance: &Glance) {
    html.raw("<dl class=\"totals\">\n");
    let average = glance.average.map(|_| format!("mean {}", Figure(glance.average, "TH/s"))).unwrap_or_default();
    total(html, "Hash rate", Figure(glance.terahashes, "TH/s"), average);
    let mean = glance.mean.map_or(String::new(), |mean| format!("mean {}", Figure(Some(mean), "°C")));
    let target = glance.target.map_or(String::new(), |target| format!(", target {}", Figure(Some(target), "")));
    total(html, "Hottest chip", Figure(glance.hottest, "°C"), mean + &target);
    let efficiency = glance.efficiency.map(|_| Figure(glance.efficiency, "J/TH").to_string());
    total(html, "Power", Figure(glance.watts, "W"), efficiency.unwrap_or_default());
    let kwh = miner.meter.joules().map(|joules| joules / 3.6e6);
    let cost = view
        .price
        .zip(miner.meter.cost())
        .map(|((currency, _), cost)| format!("{cost:.2} {currency} since the exporter's start"));
    total(html, "Energy", Figure(kwh, "kWh"), cost.unwrap_or_else(|| "since the exporter's start".to_owned()));
    if let (Some(price), Some(watts)) = (view.price, glance.watts) {
        total(html, "Cost a day", cost_of_day(watts, price), "at the price now");
    }
    total(
        html,
        "Fan",
        Figure(glance.fan, "rpm"),
        glance.duty.map_or(String::new(), |duty| format!("{duty:.0}% of its power")),
    );
    let rejected = glance.reject_percent().map(|percent| format!("{} rejected", Figure(Some(percent), "%")));
    total(html, "Shares accepted", Figure(glance.accepted, ""), rejected.unwrap_or_default());
    html.raw("</dl>\n");
}

fn charts(html: &mut Html, view: &View<'_>, miner: &Miner) {
    let points: Vec<Point> = miner.last_hour(view.now).collect();
    html.raw("<div class=\"charts\">\n");
    for (curve, name, unit) in [(Curve::Rate, "Hash rate", "TH/s"), (Curve::Heat, "Hottest chip", "°C")] {
        let range = curve.range(&points).map_or("nothing yet".to_owned(), |(least, most)| {
            format!("{} to {}", Figure(Some(least.into()), unit), Figure(Some(most.into()), unit))
        });
        html.raw("<figure><figcaption><b>")
            .raw(name)
            .raw(", last hour</b><span>")
            .text(range)
            .raw("</span></figcaption>");
        chart::draw(html, &points, &[curve], &in_words(&points));
        html.raw("<div class=\"axis\" aria-hidden=\"true\"><span>1 h ago</span><span>30 min</span><span>now</span></div></figure>\n");
    }
    html.raw("</div>\n");
}

/// The chips as coloured cells, board by board where they can be told apart.
fn chips(html: &mut Html, reading: &Reading, glance: &Glance) {
    let (count, boards) = (reading.chips.len(), reading.boards.len().max(1));
    if count == 0 {
        return;
    }
    let of_board = if count.is_multiple_of(boards) { count / boards } else { count };
    // A miner that does not tell its target still shows which chips stand out.
    let middle = glance.target.or(reading.get(Source::Chips(List::Temp, Stat::Avg)));
    html.raw("<h2>Chips</h2>\n<div class=\"card\">");
    for (board, chips) in reading.chips.chunks(of_board.max(1)).enumerate() {
        html.raw("<p class=\"scale\">");
        if boards > 1 && of_board < count {
            html.raw("Board ").text(board).raw(" · ");
        }
        html.text(chips.len()).raw(" chips, °C");
        if let (0, Some(middle)) = (board, middle) {
            html.raw(if glance.target.is_some() { " · target " } else { " · mean " }).text(Figure(Some(middle), ""));
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
            let get = |source| value_of(CHIP, source, chip);
            // A chip at 0 or less has no sensor yet.
            let celsius = get(Chip::List(List::Temp)).filter(|celsius| *celsius > 0.0);
            html.raw("<li class=\"").raw(celsius.map_or("", |celsius| warmth(celsius, middle))).raw("\" title=\"chip ");
            html.text(board * of_board + at).raw(": ").text(Figure(celsius, "°C")).raw(", ");
            html.text(Figure(get(Chip::Core), "V"))
                .raw(", ")
                .text(Figure(get(Chip::List(List::Work)), ""))
                .raw(" nonces\">");
            html.text(Figure(celsius, "")).raw("</li>");
        }
        html.raw("</ol>");
    }
    html.raw("</div>\n");
}

fn chips_in_words(chips: &[[Option<f64>; CHIP.len()]]) -> String {
    let temps =
        chips.iter().filter_map(|chip| value_of(CHIP, Chip::List(List::Temp), chip)).filter(|celsius| *celsius > 0.0);
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
        let get = |source| value_of(BOARD, source, board);
        html.raw("<tr><th scope=\"row\">").text(number).raw("</th>");
        number_cell(html, Figure(get(Board::Live("MGHS")).map(|rate| rate / 1e12), "TH/s"));
        number_cell(html, Figure(get(Board::Temp("MTmax")), "°C"));
        number_cell(html, Figure(get(Board::Temp("MTavg")), "°C"));
        for key in ["MH", "CRC", "ECHU"] {
            number_cell(html, Figure(get(Board::Item(key)), ""));
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
        let [index, url, priority, status, _] = pool.labels.all();
        html.raw("<tr><th scope=\"row\" class=\"long\">")
            .text(url)
            .raw("<small>pool ")
            .text(index)
            .raw(", priority ")
            .text(priority);
        html.raw("</small></th><td>").text(status).raw("<small>").raw(in_use(pool)).raw("</small></td>");
        let get = |key| pool.get(Pool::Field(key));
        number_cell(html, Figure(get("Accepted"), ""));
        let percent =
            get("Accepted").zip(get("Rejected")).and_then(|(accepted, rejected)| reject_percent(accepted, rejected));
        html.raw("<td class=\"n\">").text(Figure(get("Rejected"), ""));
        html.raw("<small>").text(Figure(percent, "%")).raw("</small></td>");
        number_cell(html, Figure(get("Stale"), ""));
        number_cell(html, Figure(get("Stratum Difficulty"), ""));
        number_cell(html, Figure(get("Best Share"), ""));
        number_cell(
            html,
            Figure(get("Get Failures").zip(get("Remote Failures")).map(|(get, remote)| get + remote), ""),
        );
        html.raw("</tr>\n");
    }
    html.raw("</tbody></table></div>\n");
}

fn in_use(pool: &PoolReading) -> &'static str {
    if pool.state(Pool::Active) == Some(1.0) { "in use" } else { "standby" }
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

/// Air, fans, supply and work: what is in no table.
fn facts(html: &mut Html, miner: &Miner, reading: &Reading) {
    let figure = |source: Source, over: f64, unit: &'static str| {
        reading.get(source).map_or(String::new(), |value| Figure(Some(value / over), unit).to_string())
    };
    // -273 stands for a sensor that is not there, 0 for one that rests.
    let warm = |source| {
        reading
            .get(source)
            .filter(|celsius| *celsius > 0.0)
            .map_or(String::new(), |celsius| Figure(Some(celsius), "°C").to_string())
    };
    let fans = reading.fans.iter().map(|rpm| Figure(*rpm, "").to_string()).collect::<Vec<_>>();
    let mut air: Vec<Fact> = vec![
        ("Air, inlet or ambient", warm(Source::Ambient)),
        ("Air, outlet", warm(Source::Item("OTemp"))),
        ("Fans, rpm", fans.join(" · ")),
    ];
    for ((position, _), celsius) in POSITIONS.iter().zip(reading.positions) {
        air.push((
            position_name(position),
            celsius.map_or(String::new(), |celsius| Figure(Some(celsius), "°C").to_string()),
        ));
    }
    let supply = |quantity, unit| figure(Source::Supply(quantity), 1.0, unit);
    air.extend([
        ("Supply, input", supply(Quantity::InputVolts, "V")),
        ("Supply, output", supply(Quantity::OutputVolts, "V")),
        ("Supply, output set to", supply(Quantity::SetVolts, "V")),
        ("Supply, output current", supply(Quantity::OutputAmperes, "A")),
        ("Supply, output power", supply(Quantity::OutputWatts, "W")),
        ("Supply, error code", figure(Source::SupplyError, 1.0, "")),
        ("Power limit of the mode", figure(Source::Item("MPO"), 1.0, "W")),
        ("Chips' core voltage, mean", figure(Source::Core(Stat::Avg), 1.0, "V")),
    ]);
    list(html, "Air and power", &air);
    let mode = reading.get(Source::Item("WORKMODE")).map_or(String::new(), |mode| {
        let model = miner.info.as_ref().map_or("", |info| info_label(info, "model"));
        work_mode(model, mode).map_or(mode.to_string(), |name| format!("{mode}, {name}"))
    });
    let uptime = reading.get(Source::Uptime).and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    list(
        html,
        "Work",
        &[
            ("Running for", uptime.map_or(String::new(), |uptime| Time(uptime).to_string())),
            ("Work mode", mode),
            ("Hash rate, 1 min", figure(Source::Summary("MHS 1m"), 1000.0, "TH/s")),
            ("Hash rate, 5 min", figure(Source::Summary("MHS 5m"), 1000.0, "TH/s")),
            ("Hash rate, 15 min", figure(Source::Summary("MHS 15m"), 1000.0, "TH/s")),
            ("Hash rate by the clocks", figure(Source::Item("GHSmm"), 1000.0, "TH/s")),
            ("Clock", figure(Source::Item("Freq"), 1.0, "MHz")),
            ("Hardware errors", figure(Source::Item("HW"), 1.0, "")),
            ("Hardware error rate", figure(Source::Item("DH"), 1.0, "%")),
            ("Stale shares", figure(Source::Summary("Stale"), 1.0, "")),
            ("Best share", figure(Source::Summary("Best Share"), 1.0, "")),
            ("Blocks found", figure(Source::Summary("Found Blocks"), 1.0, "")),
            (
                "Round trip to the pool",
                reading
                    .get(Source::Item("PING"))
                    .map_or(String::new(), |seconds| Figure(Some(seconds * 1000.0), "ms").to_string()),
            ),
            ("Wi-Fi", figure(Source::Rssi, 1.0, "dBm")),
            ("Dust filter ran for", figure(Source::Filter, 3600.0, "h")),
            ("Controller, error code", figure(Source::Item("ECMM"), 1.0, "")),
            ("Controller, free memory", figure(Source::Whole("MEMFREE"), 1_048_576.0, "MiB")),
        ],
    );
}

fn position_name(position: &str) -> &'static str {
    match position {
        "inlet" => "Hash board, inlet",
        "outlet" => "Hash board, outlet",
        _ => "Hash board",
    }
}

fn identity(html: &mut Html, miner: &Miner) {
    let Some(info) = &miner.info else { return };
    let facts: Vec<Fact> = info_labels(info).map(|(name, value)| (name, value.to_owned())).collect();
    list(html, "Identity", &facts);
}

/// What the exporter itself knows of it.
fn polls(html: &mut Html, view: &View<'_>, miner: &Miner) {
    let count =
        |source| miner.value(source, view.now).map_or(String::new(), |value| Figure(Some(value), "").to_string());
    let failure = miner
        .failure
        .as_ref()
        .map(|failure| format!("{} ({}, {})", failure.text, failure.kind.name(), rfc3339(failure.at)));
    let mut facts = vec![
        ("Last answer", miner.success.map_or("never".to_owned(), |(_, at)| rfc3339(at))),
        ("Last poll took", miner.duration.map_or(String::new(), |took| format!("{:.3}\u{a0}s", took.as_secs_f64()))),
        ("Times it came up", count(Poll::Ups)),
        ("Times it went down", count(Poll::Downs)),
        ("Skipped polls", count(Poll::Skipped)),
        ("Failed polls", count(Poll::Errors)),
    ];
    for kind in ErrorKind::ALL.into_iter().filter(|kind| miner.errors_of(*kind) > 0) {
        facts.push((kind_name(kind), count(Poll::ErrorsOf(kind))));
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
    for row in POLL {
        value_row(html, row, None, miner.value(row.source, view.now));
    }
    if let Some(reading) = &miner.reading {
        for (row, value) in MINER.iter().zip(reading.miner) {
            value_row(html, row, None, value);
        }
        for (number, board) in reading.boards.iter().enumerate() {
            BOARD.iter().zip(board).for_each(|(row, value)| value_row(html, row, Some(("board", number)), *value));
        }
        for (number, pool) in reading.pools.iter().enumerate() {
            POOL.iter().zip(pool.values).for_each(|(row, value)| value_row(html, row, Some(("pool", number)), value));
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
