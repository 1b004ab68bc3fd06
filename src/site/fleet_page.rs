//! The page that a browser sees at `/`: the fleet in figures, what needs somebody, and a row a miner.
//!
//! It is made whole on the server and needs neither script nor picture nor any other address; a `refresh` asks for it
//! anew each interval, and `/?still` is the same page without that. Everything is written with [`Html`], so what a miner
//! sent cannot become markup, and the headers forbid the browser to run or load anything in case it did.
//!
//! On a narrow screen the table becomes a list of cards by its style sheet alone. As that takes a table's meaning away
//! from screen readers in some browsers, rows and cells say their roles.

use std::time::{Duration, Instant, SystemTime};

use crate::miner::{Identity, Miner, Moment};
use crate::site::chart::{self, Curve};
use crate::site::html::Html;
use crate::site::metrics_page::VERSION;
use crate::site::summary::{Condition, Figure, Summary, Time, warmth};
use crate::timestamp::rfc3339;

/// The style sheet, which stands in the page.
pub const STYLE: &str = include_str!("fleet_page.css");

/// The only style sheet that the browser may use is the one with this hash; a test keeps it true.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'sha256-hJ8RN5fGlEa2QgeuP1yh1DLiLQqOUtxGnDewN2L26ys='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// More than this many notes are folded away.
const NOTES_MAX: usize = 5;

/// A page that changes under the reader's eyes more often than this is no help.
const REFRESH_MIN: Duration = Duration::from_secs(2);

/// What a page shows and when.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The miners, in the order of the settings.
    pub miners: &'a [Miner],
    /// The moment that ages count to.
    pub now: Instant,
    /// The same on the wall.
    pub at: SystemTime,
    /// Time between polls.
    pub interval: Duration,
    /// Currency and price of a kWh now.
    pub price: Option<(&'a str, f64)>,
    /// Whether the page shall stay as it is.
    pub is_still: bool,
}

/// The headers that go with a page.
pub fn headers() -> Vec<(&'static str, String)> {
    [
        ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// The page of the whole fleet; `links` are the other endpoints.
pub fn fleet(view: &View<'_>, links: &[&'static str]) -> String {
    let fleet: Vec<(&Miner, Summary)> =
        view.miners.iter().map(|miner| (miner, Summary::new(miner, view.now))).collect();
    let up = fleet.iter().filter(|(miner, _)| miner.is_up()).count();
    let mut html = Html::default();
    open(&mut html, view, format_args!("{up} of {} miners up", fleet.len()));
    html.raw("<header><h1>Avalon miners</h1><nav aria-label=\"Endpoints\">");
    for link in links {
        html.raw("<a href=\"").raw(link).raw("\">").raw(link).raw("</a> ");
    }
    html.raw("</nav></header>\n<main>\n");
    totals(&mut html, view, &fleet, up);
    notes(&mut html, &fleet);
    table(&mut html, view, &fleet);
    html.raw("</main>\n");
    close(&mut html, view, "/");
    html.into_text()
}

/// The head of a page, up to its body.
pub fn open(html: &mut Html, view: &View<'_>, title: impl std::fmt::Display) {
    html.raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html.raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
    if !view.is_still {
        let seconds = view.interval.max(REFRESH_MIN).as_secs_f64().ceil();
        html.raw("<meta http-equiv=\"refresh\" content=\"").text(seconds).raw("\">\n");
    }
    html.raw("<title>").text(title).raw("</title>\n<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n");
}

/// The foot of the page at this path.
pub fn close(html: &mut Html, view: &View<'_>, path: &str) {
    html.raw("<footer>avalonhome-prometheus-exporter ").raw(VERSION).raw(" · as of ").text(rfc3339(view.at));
    if view.is_still {
        html.raw(" · stands still · <a href=\"").text(path).raw("\">refresh again</a>");
    } else {
        html.raw(" · refreshes every ").text(Time(view.interval.max(REFRESH_MIN)));
        html.raw(" · <a href=\"").text(path).raw("?still\">stand still</a>");
    }
    html.raw("</footer>\n</body>\n</html>\n");
}

/// One figure of a strip, with a line below it.
pub fn total(html: &mut Html, name: &'static str, value: impl std::fmt::Display, below: impl std::fmt::Display) {
    html.raw("<div><dt>")
        .raw(name)
        .raw("</dt><dd>")
        .text(value)
        .raw("<small>")
        .text(below)
        .raw("</small></dd></div>\n");
}

/// Cost of a day at this power and price.
pub fn cost_of_day(watts: f64, (currency, price): (&str, f64)) -> String {
    format!("{:.2}\u{a0}{currency}", watts / 1000.0 * 24.0 * price)
}

fn totals(html: &mut Html, view: &View<'_>, fleet: &[(&Miner, Summary)], up: usize) {
    let sum = |of: fn(&Summary) -> Option<f64>| {
        fleet
            .iter()
            .filter_map(|(_, summary)| of(summary))
            .fold(None, |sum: Option<f64>, value| Some(sum.unwrap_or(0.0) + value))
    };
    // Only miners that tell both count for the ratio.
    let both = |summary: &Summary| Some((summary.watts?, summary.terahashes.filter(|rate| *rate > 0.0)?));
    let (watts, terahashes) = fleet
        .iter()
        .filter_map(|(_, summary)| both(summary))
        .fold((0.0, 0.0), |(watts, rate), (more_watts, more_rate)| (watts + more_watts, rate + more_rate));
    let hashing = fleet.iter().filter(|(_, summary)| summary.state == Condition::Hashing).count();
    let hottest = fleet
        .iter()
        .filter_map(|(miner, summary)| Some((summary.hottest?, miner.target.title())))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    html.raw("<dl class=\"totals\">\n");
    total(html, "Miners up", format_args!("{up} of {}", fleet.len()), format_args!("{hashing} hashing"));
    total(html, "Hash rate", Figure(sum(|summary| summary.terahashes), "TH/s"), "now");
    total(html, "Power", Figure(sum(|summary| summary.watts), "W"), "as the supplies tell");
    total(html, "Efficiency", Figure((terahashes > 0.0).then(|| watts / terahashes), "J/TH"), "of all that hash");
    if let (Some(price), Some(watts)) = (view.price, sum(|summary| summary.watts)) {
        let (currency, of_kwh) = price;
        total(html, "Cost a day", cost_of_day(watts, price), format_args!("at {of_kwh} {currency}/kWh"));
    }
    total(
        html,
        "Hottest chip",
        Figure(hottest.map(|(celsius, _)| celsius), "°C"),
        hottest.map_or(String::new(), |(_, title)| title.to_owned()),
    );
    let shares = (sum(|summary| summary.accepted), sum(|summary| summary.rejected));
    let rejected = shares
        .0
        .zip(shares.1)
        .and_then(|(accepted, rejected)| crate::site::summary::reject_percent(accepted, rejected));
    total(
        html,
        "Rejected shares",
        Figure(rejected, "%"),
        format_args!("of {}", Figure(shares.0.zip(shares.1).map(|(a, b)| a + b), "")),
    );
    html.raw("</dl>\n");
}

/// What is wrong with a miner, and what to do about it.
pub fn note(miner: &Miner, summary: &Summary) -> Option<(String, &'static str)> {
    match summary.state {
        Condition::Down => {
            let failure = miner.failure.as_ref()?;
            Some((failure.text.clone(), failure.kind.advice()))
        }
        Condition::Fault => Some((
            "it says that it is in fault".to_owned(),
            "Look at its own page or display; a restart often helps, and if not, at boards, fans and supply.",
        )),
        Condition::Hashing if summary.error.is_some_and(|(part, _)| part == "supply") => Some((
            format!("its supply shows error {}", summary.error.map_or(0.0, |(_, code)| code)),
            "Check the plug, the cable and the room's temperature.",
        )),
        Condition::Hashing if summary.pool.as_ref().is_some_and(|(_, is_up)| !is_up) => Some((
            "it works for no pool that answers".to_owned(),
            "Check the pool's address and worker name in the miner, and the way to the internet.",
        )),
        _ => None,
    }
}

fn notes(html: &mut Html, fleet: &[(&Miner, Summary)]) {
    let notes: Vec<_> =
        fleet.iter().filter_map(|(miner, summary)| note(miner, summary).map(|note| (*miner, summary, note))).collect();
    if notes.is_empty() {
        return;
    }
    html.raw("<section class=\"notes\" aria-label=\"What needs somebody\"><ul>\n");
    for (at, (miner, summary, (what, advice))) in notes.iter().enumerate() {
        if at == NOTES_MAX {
            html.raw("</ul><details><summary>").text(notes.len() - at).raw(" more</summary><ul>\n");
        }
        html.raw("<li>");
        miner_link(html, miner);
        html.raw(" <span class=\"bad\">").raw(summary.state.word()).raw("</span>: ").text(what);
        html.raw("<small>").raw(advice).raw("</small></li>\n");
    }
    html.raw(if notes.len() > NOTES_MAX { "</ul></details></section>\n" } else { "</ul></section>\n" });
}

/// A link to the miner's own page.
pub fn miner_link(html: &mut Html, miner: &Miner) {
    html.raw("<a href=\"/miner/").path(&miner.target.label).raw("\">").text(miner.target.title()).raw("</a>");
}

/// State and since when.
pub fn state(html: &mut Html, summary: &Summary) {
    html.raw("<span class=\"state ").raw(summary.state.word()).raw("\">").raw(summary.state.word()).raw("</span>");
}

/// A column that is shown only if some miner tells the strength of its Wi-Fi.
const WIFI: &str = "Wi-Fi";

/// The columns: class and name.
const COLUMNS: [(&str, &str); 11] = [
    ("", "Miner"),
    ("", "State"),
    ("n", "Hash rate"),
    ("", "Last hour"),
    ("n", "Chips"),
    ("n", "Fan"),
    ("n", "Power"),
    ("", "Pool"),
    ("n", "Shares"),
    ("n x", WIFI),
    ("n x", "Polled"),
];

fn table(html: &mut Html, view: &View<'_>, fleet: &[(&Miner, Summary)]) {
    if fleet.is_empty() {
        html.raw("<p>No miner is configured; this exporter only answers probes.</p>\n");
        return;
    }
    let has_wifi = fleet.iter().any(|(_, summary)| summary.rssi.is_some());
    html.raw("<div class=\"card\"><table class=\"wide\" role=\"table\"><caption>Miners · last hour: ");
    html.raw("<span class=\"key rate\"></span>hash rate <span class=\"key heat\"></span>hottest chip</caption>\n");
    html.raw("<thead role=\"rowgroup\"><tr role=\"row\">");
    for (class, name) in COLUMNS.into_iter().filter(|(_, name)| *name != WIFI || has_wifi) {
        html.raw("<th scope=\"col\" role=\"columnheader\" class=\"").raw(class).raw("\">").raw(name).raw("</th>");
    }
    html.raw("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    for (miner, summary) in fleet {
        row(html, view, miner, summary, has_wifi);
    }
    html.raw("</tbody></table></div>\n");
}

fn row(html: &mut Html, view: &View<'_>, miner: &Miner, summary: &Summary, has_wifi: bool) {
    html.raw(if summary.state == Condition::Down { "<tr role=\"row\" class=\"down\">" } else { "<tr role=\"row\">" });
    html.raw("<th scope=\"row\" role=\"rowheader\">");
    miner_link(html, miner);
    if miner.target.name.is_some() {
        html.raw(" <small>").text(&miner.target.label).raw("</small>");
    }
    if let Some(Identity { model, firmware, .. }) = miner.identity.as_deref() {
        html.raw("<small>").text(stated(model.as_ref())).raw(" · ").text(stated(firmware.as_ref())).raw("</small>");
    }
    html.raw("</th><td role=\"cell\" class=\"s w\" data-l=\"State\">");
    state(html, summary);
    if let Some(lasted) = summary.lasted {
        let word = if miner.is_up() { "up" } else { "down" };
        html.raw("<small>").raw(word).raw(" for ").text(Time(lasted)).raw("</small>");
    }
    html.raw("</td>");
    let average = Figure(summary.average, "TH/s");
    two(html, "n", "Hash rate", Figure(summary.terahashes, "TH/s"), summary.average.map(|_| format!("mean {average}")));
    html.raw("<td role=\"cell\" class=\"c\" data-l=\"Last hour\">");
    let moments: Vec<Moment> = miner.last_hour(view.now).collect();
    chart::draw(html, &moments, &[Curve::Rate, Curve::Heat], &in_words(&moments));
    html.raw("</td>");
    chips(html, summary);
    two(html, "n", "Fan", Figure(summary.fan, "rpm"), summary.duty.map(|duty| format!("{duty:.0}%")));
    let efficiency = summary.efficiency.map(|_| Figure(summary.efficiency, "J/TH").to_string());
    two(html, "n", "Power", Figure(summary.watts, "W"), efficiency);
    pool(html, summary);
    let rejected = summary.reject_percent().map(|percent| format!("{} rejected", Figure(Some(percent), "%")));
    two(html, "n", "Shares", Figure(summary.accepted, ""), rejected);
    if has_wifi {
        two(html, "n x", WIFI, Figure(summary.rssi, "dBm"), None);
    }
    let age = summary.age.map_or("never".to_owned(), |age| format!("{} ago", Time(age)));
    let took = miner.duration.map(|took| format!("took {:.2}\u{a0}s", took.as_secs_f64()));
    two(html, "n x", "Polled", age, took);
    html.raw("</tr>\n");
}

/// A cell with a figure and a softer line below it.
fn two(
    html: &mut Html,
    class: &'static str,
    label: &'static str,
    value: impl std::fmt::Display,
    below: Option<String>,
) {
    html.raw("<td role=\"cell\" class=\"").raw(class).raw("\" data-l=\"").raw(label).raw("\">").text(value);
    if let Some(below) = below {
        html.raw("<small>").text(below).raw("</small>");
    }
    html.raw("</td>");
}

fn chips(html: &mut Html, summary: &Summary) {
    html.raw("<td role=\"cell\" class=\"n\" data-l=\"Chips\">");
    match summary.hottest {
        Some(celsius) => {
            html.raw("<span class=\"").raw(warmth(celsius, summary.target)).raw("\">");
            html.text(Figure(Some(celsius), "°C")).raw("</span>");
        }
        None => {
            html.text(Figure(None, "°C"));
        }
    }
    if let Some(mean) = summary.mean {
        html.raw("<small>mean ").text(Figure(Some(mean), ""));
        if let Some(target) = summary.target {
            html.raw(", target ").text(Figure(Some(target), ""));
        }
        html.raw("</small>");
    }
    html.raw("</td>");
}

fn pool(html: &mut Html, summary: &Summary) {
    html.raw("<td role=\"cell\" class=\"long\" data-l=\"Pool\">");
    match &summary.pool {
        Some((url, is_up)) => {
            html.text(short(url));
            html.raw(if *is_up { "<small>alive, in use</small>" } else { "<small class=\"bad\">not in use</small>" });
        }
        None => {
            html.text(Figure(None, ""));
        }
    }
    html.raw("</td>");
}

/// A pool's address without its scheme and without what a `#` adds.
fn short(url: &str) -> &str {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    url.split('#').next().unwrap_or(url).trim_end_matches('/')
}

/// A text of the miner; nothing where it says none.
pub fn stated(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

/// The curve for those who do not see it.
pub fn in_words(moments: &[Moment]) -> String {
    let range = |curve: Curve, unit: &'static str| {
        let (least, most) = curve.range(moments)?;
        Some(format!("{} to {}", Figure(Some(least.into()), unit), Figure(Some(most.into()), unit)))
    };
    match (range(Curve::Rate, "TH/s"), range(Curve::Heat, "°C")) {
        (Some(rate), Some(heat)) => format!("last hour: hash rate {rate}, hottest chip {heat}"),
        (Some(rate), None) => format!("last hour: hash rate {rate}"),
        (None, Some(heat)) => format!("last hour: hottest chip {heat}"),
        (None, None) => "last hour: nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_pools_are_short() {
        assert_eq!(short("stratum+tcp://solo.example:3333/#xnsub"), "solo.example:3333");
        assert_eq!(short("<script>"), "<script>");
        assert_eq!(cost_of_day(1000.0, ("EUR", 0.25)), "6.00\u{a0}EUR");
    }
}
