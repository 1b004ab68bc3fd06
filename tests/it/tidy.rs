//! The rules of the house that a test can check: layers, who may do what, and the catalogue against the
//! contract and its documentation. Uses the library.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use avalonhome_prometheus_exporter::cli::{self, EXIT_CODES, SUBCOMMANDS};
use avalonhome_prometheus_exporter::config::{SETTINGS, Setting};
use avalonhome_prometheus_exporter::exposition::Kind;
use avalonhome_prometheus_exporter::metrics::{Entry, entries};

use crate::page::Page;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of every source file without its tests, by its path below `src`.
fn sources() -> BTreeMap<String, String> {
    fn read(folder: &Path, sources: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, sources);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                let name = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
                sources.insert(name, code);
            }
        }
    }
    let mut sources = BTreeMap::new();
    read(&root().join("src"), &mut sources);
    sources
}

/// What each folder may use besides the leaves at the top of `src`.
const LAYERS: [(&str, &[&str]); 9] = [
    ("cgminer", &[]),
    ("exposition", &[]),
    ("http", &[]),
    ("metrics", &["cgminer", "exposition"]),
    ("config", &["cgminer", "exposition"]),
    ("miner", &["cgminer", "config", "exposition", "metrics"]),
    ("demo", &["cgminer", "config"]),
    ("site", &["cgminer", "config", "exposition", "http", "metrics", "miner"]),
    ("cli", &["cgminer", "config", "demo", "exposition", "http", "metrics", "miner", "site"]),
];

/// Modules at the top of `src`, which use no folder.
const LEAVES: [&str; 3] = ["logging", "process", "timestamp"];

/// Imports from above that are still to be removed. None may be added.
const KNOWN_VIOLATIONS: [&str; 1] = ["cgminer/client.rs uses config"];

#[test]
fn folders_use_only_the_layers_below_them() {
    let mut violations = BTreeSet::new();
    for (path, source) in sources().iter().filter(|(path, _)| !["lib.rs", "main.rs"].contains(&path.as_str())) {
        let folder = path.split_once('/').map_or("", |(folder, _)| folder);
        let layer = LAYERS.iter().find(|(name, _)| *name == folder);
        let is_leaf = LEAVES.iter().any(|leaf| *path == format!("{leaf}.rs"));
        assert!(layer.is_some() || is_leaf, "{path} is in no layer");
        let below = layer.map_or(&[][..], |(_, below)| below);
        for part in source.split("crate::").skip(1) {
            let used: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let is_known = LEAVES.contains(&used.as_str()) || LAYERS.iter().any(|(name, _)| *name == used);
            assert!(is_known, "{path}: crate::{used} is neither a folder nor a leaf; one import a line, please");
            if used != folder && !LEAVES.contains(&used.as_str()) && !below.contains(&used.as_str()) {
                violations.insert(format!("{path} uses {used}"));
            }
        }
    }
    assert_eq!(violations.iter().map(String::as_str).collect::<Vec<_>>(), KNOWN_VIOLATIONS);
}

#[test]
fn who_may_do_what() {
    let sources = sources();
    for (what, texts, places) in [
        ("names of metrics are in the catalogue", &["avalon_", "process_"][..], &["metrics/catalogue.rs"][..]),
        (
            "TCP connections are opened by these",
            &["TcpStream"],
            &["cgminer/", "cli/healthcheck.rs", "demo/server.rs", "http/"],
        ),
        ("tiny_http is fenced in", &["tiny_http::"], &["http/inner.rs"]),
        ("UDP goes to miners alone", &["UdpSocket"], &["cgminer/mdns.rs"]),
        ("the lock on the miners", &["RwLock"], &["miner/store.rs"]),
        ("the environment", &["env::var"], &["config/"]),
        ("the end of the process", &["process::exit", "ExitCode"], &["main.rs"]),
        ("requests to miners", &["READ_COMMANDS"], &["cgminer/reply.rs"]),
    ] {
        let has = |source: &str| texts.iter().any(|text| source.contains(text));
        let found: Vec<_> = sources.iter().filter(|(_, source)| has(source)).map(|(path, _)| path).collect();
        let strangers: Vec<_> =
            found.iter().filter(|path| !places.iter().any(|place| path.starts_with(place))).collect();
        assert!(strangers.is_empty() && !found.is_empty(), "{what}: also in {strangers:?}");
    }
    let client = sources["cgminer/client.rs"].lines();
    let sent: Vec<&str> = client.filter(|line| line.contains(".write")).map(str::trim).collect();
    assert!(matches!(sent[..], [line] if line.contains("write_all(request.text().as_bytes())")), "{sent:?}");
}

/// Counters whose contractual names do not end in `_total`.
const ODD_COUNTERS: [&str; 2] = ["avalon_pool_max_diff_count", "avalon_pool_min_diff_count"];

#[test]
fn names_are_unique_and_well_formed() {
    let mut names = BTreeSet::new();
    for Entry { name, kind, help, labels, .. } in entries() {
        assert!(names.insert(name), "{name} is there twice");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{name}");
        let is_total = name.ends_with("_total") || ODD_COUNTERS.contains(&name);
        assert_eq!(is_total, kind == Kind::Counter, "{name} is a {}", kind.name());
        assert!(!help.is_empty() && !help.ends_with('.'), "{name}: {help}");
        assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{name}");
    }
}

#[test]
fn the_contract_is_kept() {
    let contract = fs::read_to_string(root().join("tests/contract.tsv")).unwrap();
    let catalogue: BTreeMap<&str, Entry> = entries().into_iter().map(|entry| (entry.name, entry)).collect();
    let mut kept = 0;
    for line in contract.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let labels = columns[2].replace("(pool labels)", "ip,pool_index,url,priority,status,id");
        let names: Vec<String> = match columns[0].split_once(" .. ") {
            Some((first, _)) => (0..10).map(|slot| first.replace('0', &slot.to_string())).collect(),
            None => vec![columns[0].to_owned()],
        };
        for name in names {
            let entry = catalogue.get(name.as_str()).unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!((entry.kind.name(), entry.labels.join(",")), (columns[1], labels.clone()), "{name}");
            kept += 1;
        }
    }
    assert!(kept > 120, "only {kept} names in the contract");
}

/// Families that no capture shows: supplies have seven slots, and the rest is not in a reply.
const NOT_IN_CAPTURES: &[&str] = &[
    "avalon_energy_cost_total",
    "avalon_miner_name",
    "avalon_ps_slot_7",
    "avalon_ps_slot_8",
    "avalon_ps_slot_9",
    "avalon_poll_cycle_duration_seconds",
    "avalon_electricity_price",
    "avalon_http_connections_total",
    "avalon_http_requests_total",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_open_fds",
    "process_max_fds",
    "process_start_time_seconds",
    "process_threads",
];

#[test]
fn every_family_of_a_reply_is_seen_in_some_capture() {
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(root().join("tests/captures")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "reply") {
            let page = Page::parse(&crate::golden::page_of(&fs::read(path).unwrap())).unwrap();
            seen.extend(page.families().iter().map(|family| family.name.clone()));
        }
    }
    let unseen: Vec<&str> = entries().iter().map(|entry| entry.name).filter(|name| !seen.contains(*name)).collect();
    assert_eq!(unseen, NOT_IN_CAPTURES, "the list of families without a capture is out of date");
}

/// `docs/fields.md` is made of the catalogue. The test writes it anew and fails if it was not up to date.
#[test]
fn the_metric_reference_is_up_to_date() {
    let mut text = String::from(FIELDS_HEAD);
    for Entry { name, kind, labels, source, help } in entries() {
        let labels = labels.join(", ");
        let _ = writeln!(text, "| `{name}` | {} | {labels} | {source} | {help} |", kind.name());
    }
    check_generated(&root().join("docs/fields.md"), &text);
}

const FIELDS_HEAD: &str = "# Metrics

Made by `cargo test` of the catalogue in `src/metrics/catalogue.rs`; edits here are overwritten.

Values come from the miner's reply to `version+summary+stats+config+devs+devdetails+pools`: *summary*, *stats*, *pools*
name a part of it, an *item* is `KEY[value]` inside the `MM` field of *stats*. What a miner does not say makes no sample.

| name | type | labels | source | meaning |
| --- | --- | --- | --- | --- |
";

/// `docs/cli.md` is made of the tables of `cli` and `config`.
#[test]
fn the_reference_of_the_command_line_is_up_to_date() {
    let mut text = String::from(CLI_HEAD);
    for subcommand in SUBCOMMANDS {
        let _ = writeln!(text, "| `{}` | {} |", subcommand.usage(), subcommand.help);
    }
    text.push_str("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
    for (code, meaning) in EXIT_CODES {
        let _ = writeln!(text, "| {code} | {meaning} |");
    }
    text.push_str(CLI_SETTINGS);
    for setting in SETTINGS {
        let Setting { name, help, apply, advice, .. } = setting;
        let _ = writeln!(text, "| `{name}` | {} | {} | {help} | {advice} |", default_of(setting), apply.values());
    }
    check_generated(&root().join("docs/cli.md"), &text);
}

const CLI_HEAD: &str = "# Command line

Generated by `cargo test` from the tables in `src/cli` and `src/config`; edits here are overwritten.

`avalonhome-prometheus-exporter [SUBCOMMAND]`. Without a subcommand it polls the miners and serves their metrics until
SIGTERM or SIGINT. Metrics, tables and captures go to standard output, the log and errors to standard error. Colours are
only used on a terminal, and not if `NO_COLOR` is set.

| subcommand | what it does |
| --- | --- |
";

const CLI_SETTINGS: &str = "
## Settings

Environment variables; an empty value counts as unset. The [README](../README.md#settings) has more about miners, prices and time zones.

| variable | default | values | meaning | why this default, and when to change it |
| --- | --- | --- | --- | --- |
";

/// The default as a cell of a table.
fn default_of(setting: &Setting) -> String {
    setting.apply.default().map(|default| format!("`{default}`")).unwrap_or_default()
}

fn check_generated(path: &Path, text: &str) {
    if fs::read_to_string(path).unwrap_or_default() != text {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        panic!("{} was out of date and has been written anew: look at it and commit it", path.display());
    }
}

/// The README's tables of settings and subcommands are made of those of the program.
#[test]
fn the_readme_is_up_to_date() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let row = |setting: &Setting| format!("| `{}` | {} | {} |", setting.name, default_of(setting), setting.summary());
    let rows: Vec<String> = SETTINGS.iter().map(row).collect();
    let text = splice(&readme, "| variable | default | meaning |\n| --- | --- | --- |\n", &rows.join("\n"), "\n\n");
    let help = cli::help();
    let subcommands = help.lines().skip_while(|line| *line != "Subcommands:").skip(1);
    let subcommands: Vec<&str> = subcommands.take_while(|line| !line.is_empty()).collect();
    let text = splice(&text, "## Subcommands\n\n```text\n", &subcommands.join("\n"), "\n```");
    check_generated(&path, &text);
}

/// The settings in `.env.example`, up to those of Compose, and in `packaging/default` are made of the table.
#[test]
fn the_example_files_are_up_to_date() {
    for (path, may_be_active, end) in
        [(".env.example", true, "\n# --- Only for Docker Compose ---"), ("packaging/default", false, "")]
    {
        let path = root().join(path);
        let blocks: Vec<String> = SETTINGS.iter().map(|setting| example_of(setting, may_be_active)).collect();
        let text = splice(&fs::read_to_string(&path).unwrap(), "\n\n", &blocks.join("\n"), end);
        check_generated(&path, &text);
    }
}

/// A setting's lines in a file of examples.
fn example_of(setting: &Setting, may_be_active: bool) -> String {
    let mut lines = format!("# --- {} ---\n{}", setting.summary(), comment(setting.advice));
    for (at, value) in setting.example.values.iter().enumerate() {
        let is_active = may_be_active && setting.example.is_active && at == 0;
        let _ = writeln!(lines, "{}{}={value}", if is_active { "" } else { "#" }, setting.name);
    }
    lines
}

/// Text as lines of a comment.
fn comment(text: &str) -> String {
    const WIDTH: usize = 120;
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        let line = lines.last_mut().unwrap();
        if line.len() + 1 + word.len() > WIDTH {
            lines.push(format!("# {word}"));
        } else {
            line.extend([" ", word]);
        }
    }
    lines.join("\n") + "\n"
}

/// A text with something else between its first `start` and the next `end`, or the end of the text if that is empty.
fn splice(text: &str, start: &str, new: &str, end: &str) -> String {
    let (head, old) = text.split_once(start).unwrap_or_else(|| panic!("{start:?} is missing"));
    let tail = if end.is_empty() { Some(old.len()) } else { old.find(end) };
    let tail = tail.unwrap_or_else(|| panic!("{end:?} is missing"));
    [head, start, new, &old[tail..]].concat()
}

/// Links from one document to another, or to a section of it, lead somewhere.
#[test]
fn links_between_documents_lead_somewhere() {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let documents = docs.chain([root().join("README.md"), root().join("CHANGELOG.md")]);
    for path in documents.filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let text = fs::read_to_string(&path).unwrap();
        for link in
            text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://"))
        {
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            let anchor = |line: &str| {
                let words = line.trim_start_matches('#').trim().to_lowercase();
                words
                    .chars()
                    .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                    .collect::<String>()
                    .replace(' ', "-")
            };
            let headings = fs::read_to_string(&target).unwrap_or_default();
            let is_there =
                section.is_empty() || headings.lines().any(|line| line.starts_with('#') && anchor(line) == section);
            assert!(is_there, "{}: {link} names no section", path.display());
        }
    }
}
