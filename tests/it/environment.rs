//! What the machine does to the exporter: standard error that takes nothing, suspension, clocks that step, too few
//! threads, no `/proc`, a root without a file, a network or a resolver that is late, hangs or leads nowhere.
//!
//! What takes root, namespaces or `libfaketime` is ignored here and run by `.ci/machine`, which fails where it cannot.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::daemon::{errors, off_rhythm, only};
use crate::exporter::{Exporter, PROGRAM, Settings, ask};
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::page::Page;
use crate::probe::POLLS_MAX;
use crate::reply::nano3s;
use crate::{PATIENCE, own_loopback, wait_until};

/// A shell that becomes the program, `$1`; `$2` is a path that a test needs.
fn shell(script: &str, path: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-e", "-c", script, "sh", PROGRAM, path]);
    command
}

/// The same as root of mounts of its own, which end with it.
fn shell_with_mounts(script: &str, path: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "/bin/sh", "-e", "-c", script, "sh", PROGRAM, path]);
    command
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A directory of its own, gone with its content when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("avalon-it-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path in UTF-8").to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn value(page: &Page, name: &str, miner: &FakeMiner) -> Option<f64> {
    page.value(name, &[("ip", &miner.ip())])
}

/// The exporter polls, tells up from down, goes on polling and ends when told.
fn works_and_ends(exporter: Exporter, miner: &mut FakeMiner, what: &str) {
    miner.refuse();
    exporter.wait_for_up(&miner.ip(), 0.0);
    miner.accept_again();
    exporter.wait_for_up(&miner.ip(), 1.0);
    // A poll that waited for a log which takes nothing would have no end, and its miner no other poll.
    miner.wait_for_connections(miner.connections() + 10);
    exporter.signal("TERM");
    let ended = exporter.wait();
    assert_eq!(ended.code(), Some(0), "{what}: {ended:?}");
    // The log has half a second for its last lines; to wait until somebody takes them would have no end.
    assert!(ended.took < Duration::from_secs(10), "{what}: {ended:?}");
}

#[test]
fn standard_error_may_take_nothing() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let scratch = Scratch::new("stderr");
    let fifo = scratch.path("fifo");
    run("mkfifo", &[&fifo]);
    for (what, script) in [
        ("a full disk", r#"exec "$1" 2> /dev/full"#),
        ("closed", r#"exec "$1" 2>&-"#),
        ("a pipe whose reader left", r#"exec 3<> "$2"; exec "$1" 2> "$2" 3>&-"#),
        // It is full from the start, and the program itself holds the end that nobody reads.
        (
            "a pipe that nobody reads",
            r#"exec 3<> "$2"
               dd if=/dev/zero of="$2" bs=512 oflag=nonblock 2> /dev/null || exec "$1" 2>&3"#,
        ),
    ] {
        let settings = Settings::for_miners([&miner]).set("LOG_LEVEL", "DEBUG");
        let exporter = settings.start_as(shell(script, &fifo));
        exporter.wait_for_up(&miner.ip(), 1.0);
        works_and_ends(exporter, &mut miner, what);
    }
}

/// Stops the process for so long, as a laptop's lid does, and lets it go on.
fn suspend(time: Duration) {
    const INTERVAL: Duration = Duration::from_millis(200);
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let settings = Settings::for_miners([&miner]).set("MINER_TIMEOUT", "60");
    let exporter = settings.set("UPDATE_INTERVAL", INTERVAL.as_secs_f64()).start();
    miner.wait_for_connections(5);
    let (measured, before) = (Instant::now(), exporter.page());
    exporter.signal("STOP");
    // Whatever it had begun has ended by then.
    thread::sleep(time);
    let (resumed, polls) = (Instant::now(), miner.connections());
    exporter.signal("CONT");
    wait_until("a healthy exporter", || (exporter.get("/health").status == 200).then_some(()));
    miner.wait_for_connections(polls + 10);
    let after = exporter.page();
    let running = measured.elapsed().saturating_sub(time);
    // One that waited for its turn and the first of the new rhythm may come at once.
    assert_eq!(off_rhythm(&miner.exchanges()[polls..], resumed, INTERVAL, 2), None);
    // One may find a poll on its way that was stopped with the process, and a busy machine may add one or two.
    let skipped = |page| value(page, "avalon_polls_skipped_total", &miner).unwrap();
    let (counted, missed) = (skipped(&after) - skipped(&before), time.div_duration_f64(INTERVAL));
    assert!(counted < missed / 2.0, "{counted} of {missed} cycles were made up for");
    assert_eq!(errors(&after, &miner.ip()).values().sum::<f64>(), 0.0);
    let joules = |page| value(page, "avalon_energy_joules_total", &miner).unwrap();
    let used = joules(&after) - joules(&before);
    let most = value(&after, "avalon_power_watts", &miner).unwrap() * running.as_secs_f64();
    assert!(used > 0.0 && used < most, "{used} J, but not more than {most} J in the {running:?} that it ran");
}

#[test]
fn a_suspended_exporter_makes_up_for_nothing() {
    suspend(Duration::from_secs(3));
}

/// So long that it counts as dead until its next cycle.
#[test]
#[ignore = "takes 35 s: .ci/machine runs it"]
fn an_exporter_suspended_for_long_is_ready_again() {
    suspend(Duration::from_secs(32));
}

/// The clock on the wall is set by `libfaketime`; the monotonic one goes on as it does when somebody sets the clock.
#[test]
#[ignore = "needs libfaketime: .ci/machine runs it"]
fn the_clock_may_step() {
    let library = fs::read_dir("/usr/lib").unwrap().find_map(|entry| {
        let library = entry.unwrap().path().join("faketime/libfaketime.so.1");
        library.exists().then_some(library)
    });
    let scratch = Scratch::new("clock");
    let clock = scratch.path("clock");
    let set = |text: &str| {
        fs::write(scratch.path("new"), text).and_then(|()| fs::rename(scratch.path("new"), &clock)).unwrap();
    };
    set("+0d");
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = Settings::for_miners([&miner])
        .set("UPDATE_INTERVAL", "0.2")
        .set("ELECTRICITY_PRICE", "0.18;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12")
        .set("LD_PRELOAD", library.expect("libfaketime in /usr/lib/*/faketime").display())
        .set("FAKETIME_TIMESTAMP_FILE", &clock)
        .set("FAKETIME_NO_CACHE", "1")
        .set("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .start();
    let mut joules = 0.0;
    let real = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    // From 1970 to 2232: Linux sets no clock before that or after.
    let today = i32::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 86400).unwrap();
    for days in [0, 1, -1, 3650, -7300, -today, 95_000 - today, 0] {
        let (start, polls) = (Instant::now(), miner.connections());
        set(&format!("{days:+}d"));
        let expected = |page: &Page| {
            let shown = value(page, "avalon_last_scrape_timestamp_seconds", &miner)?;
            Some((shown - real() - f64::from(days) * 86400.0).abs() < 60.0)
        };
        let page = exporter.wait_for("the time that it is said to be", |page| expected(page) == Some(true));
        miner.wait_for_connections(polls + 6);
        // One on its way, one overdue, one due.
        let wrong = off_rhythm(&miner.exchanges()[polls..], start, Duration::from_millis(200), 3);
        assert_eq!(wrong, None, "after a step of {days} days");
        for name in ["avalon_scrape_duration_seconds", "avalon_down_duration_seconds"] {
            // The least step is a day; a poll has 5 s.
            assert!((0.0..60.0).contains(&value(&page, name, &miner).unwrap()), "{name} after a step of {days} days");
        }
        assert_eq!(errors(&page, &miner.ip()).values().sum::<f64>(), 0.0, "after a step of {days} days");
        let now = value(&page, "avalon_energy_joules_total", &miner).unwrap();
        // A step of a day counted as time would be 1,440 times as much.
        assert!(now >= joules && now < joules + 60.0 * 132.0, "{joules} J, then {now} J after a step of {days} days");
        joules = now;
    }
}

/// A command as a user that nobody else is, so that a limit of its tasks counts no others; each test has another one.
fn as_user(id: u32, words: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={id}"), &format!("--regid={id}"), "--clear-groups"]).args(words);
    command
}

#[test]
#[ignore = "needs root: .ci/machine runs it"]
fn without_threads_polls_fail_and_nothing_else() {
    let hung = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let sound = FakeMiner::start(Behaviour::Answer(nano3s()));
    let settings = Settings::for_miners([&hung, &sound]).set("UPDATE_INTERVAL", "0.2").set("MINER_TIMEOUT", "1");
    let exporter = settings.set("LOG_LEVEL", "DEBUG").start_as(as_user(64_321, &[PROGRAM]));
    exporter.wait_for_up(&sound.ip(), 1.0);
    let limit = |tasks: u32| {
        let words = ["prlimit", "--pid", &exporter.id().to_string(), &format!("--nproc={tasks}:500")];
        assert!(as_user(64_321, &words).status().unwrap().success(), "a limit of {tasks} tasks");
    };
    limit(1);
    let polls = sound.connections();
    let failures = |miner: &FakeMiner| {
        let is_one = |line: &&str| line.contains(&miner.ip()) && line.contains("cannot start a thread");
        exporter.log().lines().filter(is_one).count()
    };
    wait_until("failed polls", || (failures(&hung) >= 5 && failures(&sound) >= 5).then_some(()));
    assert!(sound.connections() <= polls + 1, "polls go on without a thread");
    // What is said to a client without a thread for it is nobody's promise, only that there is an end to it.
    let start = Instant::now();
    let _ = ask(exporter.address(), "GET", "/health", &[]);
    assert!(start.elapsed() < PATIENCE);
    limit(500);
    let page = exporter.wait_for_up(&sound.ip(), 1.0);
    for miner in [&hung, &sound] {
        assert!(errors(&page, &miner.ip())["other"] >= 5.0, "{:?}", errors(&page, &miner.ip()));
    }
    sound.wait_for_connections(sound.connections() + 5);
}

#[test]
#[ignore = "needs root: .ci/machine runs it"]
fn a_start_with_too_few_tasks_ends_or_serves() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let mut served = Vec::new();
    for tasks in [1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 40] {
        // The first ones have to end by themselves, which takes no second but on a machine with much else to do.
        let time = if tasks <= 2 { "20" } else { "1" };
        let words =
            ["timeout", "--foreground", "--kill-after=20", time, "prlimit", &format!("--nproc={tasks}"), PROGRAM];
        let ended = Settings::for_miners([&miner]).run_as(as_user(64_322, &words));
        // 124: it ran until it was told to end, and ended then.
        let said_why = ended.code() == Some(1) && ended.stderr.contains("cannot start");
        assert!(ended.code() == Some(124) || said_why, "{tasks} tasks: {ended:?}");
        served.extend((ended.code() == Some(124)).then_some(tasks));
    }
    assert!(!served.contains(&2) && served.contains(&40), "the starts with {served:?} tasks went well");
}

#[test]
#[ignore = "needs root: .ci/machine runs it"]
fn without_proc_only_the_process_metrics_are_missing() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let command = shell_with_mounts(r#"mount -t tmpfs none /proc; exec "$1""#, "");
    let exporter = Settings::for_miners([&miner]).start_as(command);
    let page = exporter.wait_for_up(&miner.ip(), 1.0);
    assert!(page.family("process_threads").is_none() && page.family("avalon_exporter_info").is_some());
    works_and_ends(exporter, &mut miner, "without /proc");
}

/// Nothing but the program and its libraries, nothing to write to, and no rights.
#[test]
#[ignore = "needs root: .ci/machine runs it"]
fn an_empty_root_that_cannot_be_written_is_enough() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let scratch = Scratch::new("root");
    let root = scratch.path("root");
    fs::create_dir(&root).unwrap();
    let script = r#"
        mount -t tmpfs none "$2"
        for file in "$1" $(ldd "$1" | grep -o '/[^ ]*'); do
            mkdir -p "$2$(dirname "$file")"
            cp -L "$file" "$2$file"
        done
        mount -o remount,ro "$2"
        exec chroot --userspec=64321:64321 "$2" "$1""#;
    let exporter = Settings::for_miners([&miner]).start_as(shell_with_mounts(script, &root));
    exporter.wait_for_up(&miner.ip(), 1.0);
    assert!(exporter.log().contains("no directory for a private socket is writable"), "{}", exporter.log());
    works_and_ends(exporter, &mut miner, "an empty root");
}

/// The name that these resolvers know.
const NAME: &str = "miner.test";

/// A name server at port 53 of an address of its own. It keeps questions while it hangs, and answers them afterwards.
struct NameServer {
    address: SocketAddr,
    hangs: Arc<AtomicBool>,
}

impl NameServer {
    fn start(ip: Ipv4Addr, known: Ipv4Addr, does_hang: bool) -> Self {
        let address = SocketAddr::new(IpAddr::V4(ip), 53);
        let socket = UdpSocket::bind(address).expect("port 53, which takes root");
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let hangs = Arc::new(AtomicBool::new(does_hang));
        let server = Self { address, hangs: Arc::clone(&hangs) };
        thread::spawn(move || {
            let (mut open, mut buffer) = (Vec::new(), [0; 512]);
            // Until the test drops its half.
            while Arc::strong_count(&hangs) > 1 {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    open.push((buffer[..length].to_vec(), from));
                }
                if !hangs.load(Ordering::Relaxed) {
                    for (query, from) in open.drain(..) {
                        socket.send_to(&name_answer(&query, known), from).unwrap();
                    }
                }
            }
        });
        server
    }

    /// A program that has this name server and no other.
    fn command(&self, scratch: &Scratch) -> Command {
        command_with_resolver(self.address.ip(), scratch)
    }
}

fn command_with_resolver(ip: IpAddr, scratch: &Scratch) -> Command {
    fs::write(scratch.path("resolv.conf"), format!("nameserver {ip}\noptions timeout:20 attempts:2\n")).unwrap();
    fs::write(scratch.path("nsswitch.conf"), "hosts: files dns\n").unwrap();
    let script = r#"
        mount --bind "$2/resolv.conf" /etc/resolv.conf
        mount --bind "$2/nsswitch.conf" /etc/nsswitch.conf
        exec "$1""#;
    shell_with_mounts(script, scratch.0.to_str().unwrap())
}

/// The answer to a query with one question (RFC 1035 section 4): an address for A, none for anything else.
fn name_answer(query: &[u8], known: Ipv4Addr) -> Vec<u8> {
    let labels = query[12..].iter().position(|byte| *byte == 0).expect("the end of the name");
    let question = &query[12..12 + labels + 5];
    let is_a = question[labels + 1..labels + 3] == [0, 1];
    let head = [query[0], query[1], 0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0];
    let record = [&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4][..], &known.octets()].concat();
    [&head[..], question, if is_a { &record } else { &[] }].concat()
}

/// How many names the exporter is looking up.
fn look_ups(exporter: &Exporter) -> usize {
    exporter.threads().iter().filter(|name| name.starts_with("resolve ")).count()
}

#[test]
#[ignore = "needs root: .ci/machine runs it"]
fn impatient_clients_leave_few_look_ups_behind() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let IpAddr::V4(known) = miner.ip().parse().unwrap() else { panic!("an IPv4 address") };
    let server = NameServer::start(own_loopback(), known, true);
    let scratch = Scratch::new("impatient");
    let settings = Settings::new().set("PROBE_ALLOW", "127.0.0.0/8").set("MINER_TIMEOUT", "60");
    let exporter = settings.start_as(server.command(&scratch));
    let probe = |name: &str, seconds: &str| {
        let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {seconds}");
        exporter.ask("GET", &format!("/probe?target={name}:{}", miner.port()), &[&header])
    };
    let answers = (0..30).map(|number| probe(&format!("miner{number}.test"), "0.001").status);
    let (waiting, refused): (Vec<_>, Vec<_>) = answers.partition(|status| *status == 200);
    assert!((1..=POLLS_MAX).contains(&waiting.len()) && refused.iter().all(|status| *status == 503));
    wait_until("the look-ups", || (look_ups(&exporter) >= waiting.len()).then_some(()));
    assert_eq!(look_ups(&exporter), waiting.len());
    server.hangs.store(false, Ordering::Relaxed);
    let page = Page::parse(&probe(NAME, "10").text()).unwrap();
    assert_eq!(page.value("avalon_up", &[("ip", NAME)]), Some(1.0), "their permits are given back");
}

#[test]
#[ignore = "needs root: .ci/machine runs it"]
fn a_resolver_that_hangs_is_one_miners_time_out() {
    let (named, sound) = (FakeMiner::start(Behaviour::Answer(nano3s())), FakeMiner::start(Behaviour::Answer(nano3s())));
    let IpAddr::V4(known) = named.ip().parse().unwrap() else { panic!("an IPv4 address") };
    let server = NameServer::start(own_loopback(), known, true);
    let scratch = Scratch::new("hang");
    let targets = format!("{NAME}:{},{}", named.port(), sound.target());
    let settings = Settings::new().set("AVALON_IPS", targets).set("UPDATE_INTERVAL", "0.5").set("MINER_TIMEOUT", "1.2");
    let start = Instant::now();
    let exporter = settings.start_as(server.command(&scratch));
    let page = exporter.wait_for("three time-outs", |page| only("timeout", page, NAME) >= 3.0);
    assert_eq!(page.value("avalon_up", &[("ip", NAME)]), Some(0.0));
    // The time-outs take more than seven intervals.
    let polls = sound.exchanges();
    assert!(polls.len() >= 5, "{} polls of the other miner", polls.len());
    assert_eq!(off_rhythm(&polls, start, Duration::from_millis(500), 1), None);
    assert!(exporter.log().contains("resolving the name"), "{}", exporter.log());
    assert_eq!(look_ups(&exporter), 1, "a look-up each poll, or none");
    server.hangs.store(false, Ordering::Relaxed);
    exporter.wait_for_up(NAME, 1.0);
}

#[test]
#[ignore = "needs root: .ci/machine runs it"]
fn a_name_may_be_known_late() {
    let named = FakeMiner::start(Behaviour::Answer(nano3s()));
    let IpAddr::V4(known) = named.ip().parse().unwrap() else { panic!("an IPv4 address") };
    let (nobody, ip) = (own_loopback(), own_loopback());
    let scratch = Scratch::new("late");
    let settings = Settings::new().set("AVALON_IPS", format!("{NAME}:{}", named.port())).set("UPDATE_INTERVAL", "0.2");
    let exporter = settings.start_as(command_with_resolver(IpAddr::V4(nobody), &scratch));
    exporter.wait_for("failed polls", |page| only("network", page, NAME) >= 3.0);
    // First the name server comes, then on top of it another one into the file, as DHCP does when the network changes.
    let first = NameServer::start(nobody, known, false);
    exporter.wait_for_up(NAME, 1.0);
    drop(first);
    let _second = NameServer::start(ip, known, false);
    fs::write(scratch.path("resolv.conf"), format!("nameserver {ip}\n")).unwrap();
    exporter.wait_for("many polls at the new name server's word", |page| {
        named.connections() > 10 && page.value("avalon_up", &[("ip", NAME)]) == Some(1.0)
    });
}

/// In a network namespace of its own, in which even loopback is still down.
#[test]
#[ignore = "needs root and a new network namespace: .ci/machine runs it"]
fn the_network_may_come_late() {
    const POLLED: &str = "127.9.9.9";
    // Behind the far end of a cable nobody answers: to ARP for the first, to TCP for the second.
    const OFF: &str = "10.99.0.2";
    const BLACK_HOLE: &str = "10.99.0.3";
    let links = Command::new("ip").args(["-brief", "link"]).output().unwrap().stdout;
    let links = String::from_utf8(links).unwrap();
    assert!(links.starts_with("lo ") && links.contains("DOWN"), "this is no new network namespace: {links}");

    let miner = FakeMiner::start_on(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Behaviour::Answer(nano3s())).unwrap();
    let settings = Settings::nothing()
        .set("AVALON_IPS", [POLLED, OFF, BLACK_HOLE].join(","))
        .set("AVALON_PORT", miner.port())
        .set("EXPORTER_ADDRESS", "0.0.0.0")
        .set("EXPORTER_PORT", "21900")
        .set("UPDATE_INTERVAL", "0.5")
        .set("MINER_TIMEOUT", "5")
        .set("LOG_LEVEL", "DEBUG");
    let exporter = settings.spawn(Command::new(PROGRAM));
    wait_until("polls without a network", || (exporter.log().matches("is still down").count() > 6).then_some(()));
    let log = exporter.log();
    let is_failure = |line: &&str| line.contains(" down: ");
    // The last line may not be whole yet.
    let failures: Vec<_> = log.rsplit_once('\n').unwrap().0.lines().filter(is_failure).collect();
    assert!(failures.iter().all(|line| line.contains("unreachable")), "{failures:?}");

    run("ip", &["link", "set", "lo", "up"]);
    let page = exporter.wait_for_up(POLLED, 1.0);
    assert!(only("network", &page, POLLED) >= 2.0);

    run("ip", &["link", "add", "near", "type", "veth", "peer", "name", "far"]);
    run("ip", &["address", "add", "10.99.0.1/24", "dev", "near"]);
    run("ip", &["link", "set", "near", "up"]);
    run("ip", &["link", "set", "far", "arp", "off", "up"]);
    run("ip", &["neighbour", "replace", BLACK_HOLE, "lladdr", "02:00:00:00:00:01", "dev", "near"]);
    let (start, polls) = (Instant::now(), miner.connections());
    let page = exporter.wait_for("a time-out of the black hole", |page| errors(page, BLACK_HOLE)["timeout"] >= 1.0);
    assert!(errors(&page, OFF)["timeout"] == 0.0, "a host that is off is none");
    wait_until("the word for a host that is off", || {
        exporter.log().contains(&format!("{OFF} is still down: connecting: No route to host")).then_some(())
    });
    // The time-out takes ten intervals.
    let polls = &miner.exchanges()[polls..];
    assert!(polls.len() >= 5, "{} polls of the other miner", polls.len());
    assert_eq!(off_rhythm(polls, start, Duration::from_millis(500), 3), None);
    let page = exporter.page();
    for target in [OFF, BLACK_HOLE] {
        assert_eq!(page.value("avalon_up", &[("ip", target)]), Some(0.0));
    }
}
