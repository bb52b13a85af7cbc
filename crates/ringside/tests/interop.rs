//! Programs we did not write talk to the venue, or read what it said.
//!
//! Nasdaq's own SoupBinTCP client (PyPI `nasdaq-protocols`) trades, falls silent, leaves and rewinds; Wireshark's
//! dissector reads a session off the wire. Both need tools from outside: a test without its tool says
//! `skipped: <reason>` on stderr and passes. `scripts/install-test-tools` fetches them.
//!
//! Nothing here waits without a limit, and every process started dies with its test.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Anything the venue does on loopback takes less.
const ANSWER_S: u64 = 15;
/// The scripted Python session takes 7 s; its own limit is 45 s.
const CLIENT_S: u64 = 60;
/// A virtual environment and one small package from the network.
const INSTALL_S: u64 = 180;

const CONFIG: &str = r#"
[order_entry]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[[instrument]]
symbol = "ESH4"
tick_size = "0.25"
[[login]]
username = "ALICE"
password = "pw-alice"
firm = "ALCE"
[[login]]
username = "BOB"
password = "pw-bob"
firm = "BOBB"
"#;

#[test]
fn nasdaqs_own_client_trades_beats_and_rewinds() {
    let python = match python_with_client() {
        Ok(python) => python,
        Err(reason) => return skipped(&reason),
    };
    let venue = Venue::start("nasdaq");
    let script = helper("nasdaq_client.py");
    let session = Command::new(python)
        .arg(script)
        .args([&venue.port.to_string(), &venue.session])
        .finish_within(CLIENT_S)
        .expect("python starts and ends");
    assert!(session.status.success(), "{}\nvenue: {}", text(&session.stderr), venue.log());
    let seen: Value = serde_json::from_slice(&session.stdout).expect("one JSON line");
    assert_eq!(seen["messages"], 5, "two accepted, two executed, one canceled: {seen}");
    venue.stop();
}

#[test]
fn wireshark_reads_our_sessions() {
    if let Err(reason) = Command::new("tshark").arg("--version").finish_within(ANSWER_S) {
        return skipped(&format!("no tshark: {reason}"));
    }
    let venue = Venue::start("tshark");
    let capture = Capture::start(venue.port, venue.dir.join("lo.pcapng"));
    let links = scripted_session(&venue);
    let packets = match capture.and_then(Capture::finish) {
        Some(file) => dissect(&file, venue.port),
        // Not root: the same bytes as the client saw them, in headers made up by text2pcap.
        None => links.iter().flat_map(|link| dissect(&link.as_capture(&venue), venue.port)).collect(),
    };
    for link in &links {
        assert_eq!(link.frames_of(true), frames(&packets, link.port, true), "client's packets");
        assert_eq!(link.frames_of(false), frames(&packets, link.port, false), "venue's packets");
    }
    check_logins(&packets, &links, &venue.session);
    venue.stop();
}

/// Three connections: one with every packet of a working day, one that rewinds, one with a wrong password.
fn scripted_session(venue: &Venue) -> [Link; 3] {
    let mut day = Link::open(venue.port);
    day.send(b'L', &login("pw-alice", "", 1));
    assert_eq!(day.receive(), b'A');
    day.send(b'U', &enter_order());
    assert_eq!(day.receive(), b'S', "Accepted");
    day.send(b'U', b"X\0\0\0\x01\0\0\0\0");
    assert_eq!(day.receive(), b'S', "Canceled");
    assert_eq!(day.receive(), b'H', "a second of silence");
    day.send(b'R', b"");
    day.send(b'+', b"ignored");
    assert_eq!(day.receive(), b'H', "another second of silence");
    day.send(b'O', b"");
    day.wait_closed();

    let mut rewind = Link::open(venue.port);
    rewind.send(b'L', &login("pw-alice", &venue.session, 2));
    assert_eq!(rewind.receive(), b'A');
    assert_eq!(rewind.receive(), b'S', "Canceled again");
    rewind.send(b'O', b"");
    rewind.wait_closed();

    let mut refused = Link::open(venue.port);
    refused.send(b'L', &login("wrong", "", 1));
    assert_eq!(refused.receive(), b'J');
    refused.wait_closed();
    [day, rewind, refused]
}

/// The dissector's own reading of the fields, and its own count of the sequenced messages.
fn check_logins(packets: &[Packet], links: &[Link; 3], session: &str) {
    let [day, rewind, refused] = links
        .each_ref()
        .map(|link| packets.iter().filter(move |packet| packet.client_port == link.port).collect::<Vec<_>>());
    let field = |packets: &[&Packet], kind: char, name: &str| -> Vec<String> {
        packets.iter().filter(|packet| packet.kind == kind).map(|packet| packet.field(name)).collect()
    };
    assert_eq!(field(&day, 'L', "username"), ["ALICE"]);
    assert_eq!(field(&day, 'L', "password"), ["pw-alice"]);
    assert_eq!(field(&day, 'L', "req_seq_num"), ["1"]);
    assert_eq!(field(&day, 'A', "session"), [session]);
    assert_eq!(field(&day, 'A', "next_seq_num"), ["1"]);
    assert_eq!(field(&day, 'S', "seq_num"), ["1 (Calculated)", "2 (Calculated)"]);
    assert_eq!(field(&day, '+', "text"), ["ignored"]);
    assert_eq!(field(&rewind, 'L', "session"), [session]);
    assert_eq!(field(&rewind, 'L', "req_seq_num"), ["2"]);
    assert_eq!(field(&rewind, 'A', "session"), [session]);
    assert_eq!(field(&rewind, 'A', "next_seq_num"), ["2"]);
    assert_eq!(field(&rewind, 'S', "seq_num"), ["2 (Calculated)"]);
    assert!(field(&refused, 'J', "reject_code")[0].starts_with("Not authorized"));
    let message = |packets: &[&Packet], n: usize| field(packets, 'S', "message")[n].clone();
    assert!(message(&day, 0).starts_with("41") && message(&day, 1).starts_with("43"));
    assert_eq!(message(&day, 1), message(&rewind, 0), "a rewind repeats the bytes");
}

/// Username ALICE, with both numbers right-justified.
fn login(password: &str, session: &str, sequence: u64) -> Vec<u8> {
    format!("{:<6}{password:<10}{session:>10}{sequence:>20}", "ALICE").into_bytes()
}

/// UserRefNum 1: buy 10 ESH4 at 4800.25, day, displayed, no appendage.
fn enter_order() -> Vec<u8> {
    let mut order = b"O\0\0\0\x01B\0\0\0\x0aESH4    ".to_vec();
    order.extend(48_002_500_u64.to_be_bytes());
    order.extend(b"0YPNN");
    order.extend(b"interop       ");
    order.extend(0_u16.to_be_bytes());
    assert_eq!(order.len(), 47, "OUCH 5.0 Enter Order");
    order
}

/// One connection to the venue, and every byte of it in both directions.
struct Link {
    stream: TcpStream,
    port: u16,
    /// From the client?, the whole packet.
    packets: Vec<(bool, Vec<u8>)>,
}

impl Link {
    fn open(venue_port: u16) -> Link {
        let stream = TcpStream::connect(("127.0.0.1", venue_port)).expect("the venue accepts connections");
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_S))).expect("a timeout above zero");
        stream.set_nodelay(true).expect("TCP");
        let port = stream.local_addr().expect("connected").port();
        Link { stream, port, packets: Vec::new() }
    }

    fn send(&mut self, kind: u8, payload: &[u8]) {
        let mut packet = (1 + payload.len() as u16).to_be_bytes().to_vec();
        packet.push(kind);
        packet.extend(payload);
        self.stream.write_all(&packet).expect("the venue reads");
        self.packets.push((true, packet));
    }

    /// Type of the venue's next packet.
    fn receive(&mut self) -> u8 {
        let mut packet = vec![0; 2];
        self.stream.read_exact(&mut packet).expect("a packet within the time limit");
        let length = u16::from_be_bytes([packet[0], packet[1]]);
        packet.resize(2 + usize::from(length), 0);
        self.stream.read_exact(&mut packet[2..]).expect("a whole packet");
        let kind = packet[2];
        self.packets.push((false, packet));
        kind
    }

    fn wait_closed(&mut self) {
        let rest = self.stream.read(&mut [0; 1]).expect("closed within the time limit");
        assert_eq!(rest, 0, "nothing after the last packet");
    }

    fn frames_of(&self, from_client: bool) -> Vec<(char, usize)> {
        let own = self.packets.iter().filter(|(client, _)| *client == from_client);
        own.map(|(_, packet)| (char::from(packet[2]), packet.len() - 2)).collect()
    }

    /// The recorded bytes as a capture file.
    fn as_capture(&self, venue: &Venue) -> PathBuf {
        let lines: String = self.packets.iter().map(|(client, packet)| line_of(*client, packet)).collect();
        let (input, output) = (venue.dir.join("bytes.txt"), venue.dir.join(format!("{}.pcapng", self.port)));
        fs::write(&input, lines).expect("the test's directory is writable");
        let made = Command::new("text2pcap")
            .args(["-q", "-D", "-r", "^(?<dir>[IO]) (?<data>[0-9a-f]+)$", "-4", "127.0.0.1,127.0.0.1"])
            .args(["-T", &format!("{},{}", venue.port, self.port)])
            .args([&input, &output])
            .finish_within(ANSWER_S)
            .expect("text2pcap comes with tshark");
        assert!(made.status.success(), "{}", text(&made.stderr));
        output
    }
}

/// `O` out of the client or `I` into it, and the bytes in hex.
fn line_of(from_client: bool, packet: &[u8]) -> String {
    let hex: String = packet.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {hex}\n", if from_client { 'O' } else { 'I' })
}

/// One SoupBinTCP packet as tshark tells it.
struct Packet {
    client_port: u16,
    from_client: bool,
    kind: char,
    fields: BTreeMap<String, String>,
}

impl Packet {
    fn field(&self, name: &str) -> String {
        self.fields.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.fields)).clone()
    }
}

fn frames(packets: &[Packet], client_port: u16, from_client: bool) -> Vec<(char, usize)> {
    let own = packets.iter().filter(|p| p.client_port == client_port && p.from_client == from_client);
    own.map(|packet| (packet.kind, packet.field("packet_length").parse().expect("a number"))).collect()
}

/// Every SoupBinTCP packet of a capture. Wireshark's OUCH is version 4 and may guess at ours: off.
fn dissect(file: &Path, venue_port: u16) -> Vec<Packet> {
    let output = Command::new("tshark")
        .args(["-n", "--disable-protocol", "ouch", "-d", &format!("tcp.port=={venue_port},soupbintcp")])
        .args(["-T", "pdml", "-r"])
        .arg(file)
        .finish_within(ANSWER_S * 2)
        .expect("tshark starts and ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let pdml = text(&output.stdout);
    assert!(!pdml.contains("_ws.malformed") && !pdml.contains("num.invalid"), "malformed: {pdml}");
    packets_in(&pdml, venue_port)
}

/// PDML has one element a line, and is the only format that tells numbers the dissector computed: the JSON and
/// fields of tshark 4.0 say `X` for them.
fn packets_in(pdml: &str, venue_port: u16) -> Vec<Packet> {
    let (mut packets, mut source, mut destination) = (Vec::<Packet>::new(), 0, 0);
    for line in pdml.lines() {
        let port = || attribute(line, "show").parse().expect("a port");
        match attribute(line, "name") {
            "tcp.srcport" => source = port(),
            "tcp.dstport" => destination = port(),
            "soupbintcp" => {
                let from_client = destination == venue_port;
                let client_port = if from_client { source } else { destination };
                packets.push(Packet { client_port, from_client, kind: '?', fields: BTreeMap::new() });
            }
            name => {
                let Some(name) = name.strip_prefix("soupbintcp.") else { continue };
                let packet = packets.last_mut().expect("a field is inside its packet");
                if name == "packet_type" {
                    packet.kind = hex_character(attribute(line, "value"));
                }
                // Label: value.
                let value = attribute(line, "showname").split_once(": ").map_or("", |(_, value)| value);
                packet.fields.insert(name.to_owned(), value.trim().to_owned());
            }
        }
    }
    packets
}

/// An attribute of the element on this line; empty when it has none.
fn attribute<'a>(line: &'a str, name: &str) -> &'a str {
    let found = line.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
    found.map_or("", |(value, _)| value)
}

fn hex_character(digits: &str) -> char {
    char::from(u8::from_str_radix(digits, 16).expect("two hex digits"))
}

/// tshark writing what crosses loopback.
struct Capture {
    tshark: Running,
    file: PathBuf,
}

impl Capture {
    /// None when this user may not capture.
    fn start(port: u16, file: PathBuf) -> Option<Capture> {
        let tshark = Command::new("tshark")
            .args(["-n", "-q", "-i", "lo", "-f", &format!("tcp port {port}"), "-w"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .run()
            .expect("tshark has started before");
        let mut capture = Capture { tshark, file };
        // It captures from some moment on: knock until it has seen it, give up when it has ended.
        let seen = within(ANSWER_S, || {
            if capture.tshark.ended().is_some() {
                return Some(false);
            }
            let before = capture.size();
            drop(TcpStream::connect(("127.0.0.1", port)));
            thread::sleep(Duration::from_millis(200));
            (before > 0 && capture.size() > before).then_some(true)
        });
        (seen == Some(true)).then_some(capture)
    }

    fn size(&self) -> u64 {
        fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// Once nothing more comes in.
    fn finish(mut self) -> Option<PathBuf> {
        within(ANSWER_S, || {
            let before = self.size();
            thread::sleep(Duration::from_secs(1));
            (self.size() == before).then_some(())
        })?;
        self.tshark.signal("INT");
        within(ANSWER_S, || self.tshark.ended())?;
        Some(self.file)
    }
}

/// `ringside serve` with a data directory of its own.
struct Venue {
    process: Running,
    dir: PathBuf,
    port: u16,
    session: String,
}

impl Venue {
    fn start(name: &str) -> Venue {
        let dir =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("interop-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("target/tmp is writable");
        fs::write(dir.join("ringside.toml"), CONFIG).expect("target/tmp is writable");
        let log = fs::File::create(dir.join("stderr")).expect("target/tmp is writable");
        let mut process = Command::new(env!("CARGO_BIN_EXE_ringside"))
            .args(["serve", "--config", "ringside.toml", "--data-dir", "data"])
            .current_dir(&dir)
            .stdout(Stdio::piped())
            .stderr(log)
            .run()
            .expect("the binary was built for this test");
        let line = process.first_line();
        let log = || fs::read_to_string(dir.join("stderr")).unwrap_or_default();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}\n{}", log()));
        let word = |key: &str| ready[key].as_str().unwrap_or_else(|| panic!("no {key} in {line}"));
        let address = word("order_entry").parse::<std::net::SocketAddr>().expect("an address");
        Venue { port: address.port(), session: word("session").to_owned(), process, dir }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("stderr")).unwrap_or_default()
    }

    fn stop(mut self) {
        self.process.signal("TERM");
        let status = within(ANSWER_S, || self.process.ended()).expect("SIGTERM ends a venue");
        assert!(status.success(), "{status}\n{}", self.log());
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        self.process.kill();
        // What is left over is cleaned with the target directory.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A child and its own children: one process group, killed at the latest when dropped.
struct Running(Child);

impl Running {
    fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("our own child")
    }

    /// First line of a piped stdout; empty when there is none in time.
    fn first_line(&mut self) -> String {
        let stdout = self.0.stdout.take().expect("stdout is piped");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            // Unreadable is the same as silent; nobody waits any more is no error.
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = sender.send(line);
        });
        receiver.recv_timeout(Duration::from_secs(ANSWER_S)).unwrap_or_default()
    }

    /// To the whole group. The standard library has no signals but SIGKILL, every shell has.
    fn signal(&self, name: &str) {
        let script = format!("kill -s {name} -- -{} 2>/dev/null", self.0.id());
        // Fails when the group has just ended: nothing to do then.
        let _ = Command::new("sh").args(["-c", &script]).status();
    }

    fn kill(&mut self) {
        if self.ended().is_none() {
            self.signal("KILL");
            let _ = self.0.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Commands with a limit.
trait Limited {
    /// Starts it in a process group of its own, without input.
    fn run(&mut self) -> std::io::Result<Running>;
    /// Its output, or why there is none. Killed with its children at the limit.
    fn finish_within(&mut self, seconds: u64) -> Result<Output, String>;
}

impl Limited for Command {
    fn run(&mut self) -> std::io::Result<Running> {
        self.stdin(Stdio::null()).process_group(0).spawn().map(Running)
    }

    fn finish_within(&mut self, seconds: u64) -> Result<Output, String> {
        let piped = self.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = piped.run().map_err(|error| error.to_string())?;
        let stdout = collect(running.0.stdout.take());
        let stderr = collect(running.0.stderr.take());
        let status = within(seconds, || running.ended()).ok_or(format!("not done in {seconds} s"))?;
        let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().expect("a reader cannot panic"));
        Ok(Output { status, stdout, stderr })
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A broken pipe ends the output as well as its end does.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

/// Asks until there is an answer; None at the limit.
fn within<T>(seconds: u64, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// A Python that has the client, installed under the target directory at the first run.
fn python_with_client() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp is inside the target directory");
    let directory = target.join("interop-venv");
    let made = Command::new("python3").arg(helper("make_venv.py")).arg(&directory).finish_within(INSTALL_S);
    match made {
        Ok(output) if output.status.success() => Ok(directory.join("bin/python")),
        Ok(output) => Err(text(&output.stderr)),
        Err(reason) => Err(format!("python3: {reason}")),
    }
}

fn helper(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

/// Past the harness, which hides the output of tests that pass: a skip must be seen.
fn skipped(reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}
