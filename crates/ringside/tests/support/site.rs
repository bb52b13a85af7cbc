//! A site is a directory with a configuration; a venue can be started on it again and again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Client, PATIENCE, eventually};

/// Three logins, two instruments, small segments. Tables that a test wants otherwise are replaced in the text.
pub const CONFIG: &str = r#"
[order_entry]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[journal]
sync = "always"
segment_size = 4194304
[pipeline]
layout = "auto"
wait = "auto"
apply = "ahead"
[[instrument]]
symbol = "ESH4"
tick_size = "0.25"
[[instrument]]
symbol = "AAPL"
tick_size = "0.01"
[[login]]
username = "ALICE"
password = "pw-alice"
firm = "ALCE"
[[login]]
username = "BOB"
password = "pw-bob"
firm = "BOBB"
[[login]]
username = "CAROL"
password = "pw-carol"
firm = "CARO"
"#;

/// The program under test.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_ringside")
}

/// A directory with a configuration file.
pub struct Site {
    dir: TempDir,
    pub data_dir: PathBuf,
}

/// How a program ended that was expected to end.
pub struct Exit {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
}

impl Site {
    /// A site with this configuration; `data_dir` is added.
    pub fn new(config: &str) -> Site {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data_dir = dir.path().join("data");
        let site = Site { dir, data_dir };
        site.configure(config);
        site
    }

    /// A site whose data lives elsewhere.
    pub fn with_data_dir(config: &str, data_dir: &Path) -> Site {
        let mut site = Site::new(config);
        site.data_dir = data_dir.into();
        site.configure(config);
        site
    }

    /// Replaces the configuration file. `RINGSIDE_GATEWAYS` gives venues that say nothing about it so many gateways.
    pub fn configure(&self, config: &str) {
        let mut text = format!("data_dir = {:?}\n{config}", self.data_dir);
        if let Ok(count) = std::env::var("RINGSIDE_GATEWAYS")
            && !config.contains("gateways =")
        {
            text = text.replacen("[pipeline]", &format!("[pipeline]\ngateways = {count}"), 1);
        }
        std::fs::write(self.config(), text).expect("the configuration can be written");
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("ringside.toml")
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Starts a venue and waits for its ready line.
    pub fn start(&self) -> Running {
        self.start_under(&[])
    }

    /// Starts a venue with a program in front of it that stays out of the process tree (strace -D).
    pub fn start_under(&self, wrapper: &[&str]) -> Running {
        let mut running = self.spawn_under(wrapper);
        running.await_ready();
        running
    }

    /// Starts a venue that may never become ready.
    pub fn spawn_under(&self, wrapper: &[&str]) -> Running {
        let config = self.config();
        let config = config.to_str().expect("temporary paths are ASCII");
        Running::spawn(wrapper, &["serve", "--config", config], self.path())
    }

    /// Starts the program in the site's directory.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        Running::spawn(&[], arguments, self.path())
    }

    /// Runs a venue that is expected to refuse.
    pub fn refused(&self) -> Exit {
        let config = self.config();
        self.run(&["serve", "--config", config.to_str().expect("temporary paths are ASCII")])
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Exit {
        let since = Instant::now();
        let mut running = Running::spawn(&[], arguments, self.path());
        let code = running.wait_exit(PATIENCE);
        assert!(code.is_some(), "ringside {arguments:?} did not end; stderr: {}", running.stderr());
        Exit { code, stdout: running.stdout(), stderr: running.stderr(), elapsed: since.elapsed() }
    }

    /// `ringside replay verify` of the data directory.
    pub fn verify(&self) -> Value {
        let data_dir = self.data_dir.to_str().expect("temporary paths are ASCII");
        let exit = self.run(&["replay", "verify", "--data-dir", data_dir]);
        assert_eq!(exit.code, Some(0), "replay verify: {}", exit.stderr);
        serde_json::from_str(exit.stdout.trim()).expect("replay verify prints one JSON line")
    }

    /// Segment files in order.
    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.data_dir.join("journal")).expect("a journal directory");
        let mut found: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        found.retain(|path| path.extension().is_some_and(|extension| extension == "seg"));
        found.sort();
        found
    }
}

/// A child process and what it says. Killed when dropped.
pub struct Running {
    child: Child,
    readers: Vec<JoinHandle<()>>,
    lines: Receiver<String>,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    pub ready: Value,
}

impl Running {
    fn spawn(wrapper: &[&str], arguments: &[&str], directory: &Path) -> Running {
        let words = [wrapper, &[binary()], arguments].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .current_dir(directory)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let (sender, lines) = channel();
        let out = child.stdout.take().expect("stdout is a pipe");
        let err = child.stderr.take().expect("stderr is a pipe");
        // A test that lets go of the receiver has lost interest in lines.
        let readers = vec![
            collect(out, Arc::clone(&stdout), move |line| drop(sender.send(line.into()))),
            collect(err, Arc::clone(&stderr), |_| {}),
        ];
        Running { child, readers, lines, stdout, stderr, ready: Value::Null }
    }

    fn await_ready(&mut self) {
        let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
            let code = self.wait_exit(Duration::from_millis(200));
            panic!("no ready line, exit code {code:?}; stderr: {}", self.stderr());
        };
        self.ready = serde_json::from_str(&line).expect("the ready line is JSON");
        assert_eq!(self.ready["event"], "ready");
    }

    /// Waits for a ready line, or for the end without one.
    pub fn becomes_ready(&mut self) -> bool {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => self.ready = serde_json::from_str(&line).expect("the ready line is JSON"),
            Err(_) => return false,
        }
        true
    }

    fn address(&self, key: &str) -> SocketAddr {
        self.ready[key].as_str().and_then(|text| text.parse().ok()).expect("the ready line tells addresses")
    }

    pub fn order_entry(&self) -> SocketAddr {
        self.address("order_entry")
    }

    pub fn admin(&self) -> SocketAddr {
        self.address("admin")
    }

    /// Logs in one of the three, with only new messages.
    pub fn login(&self, name: &str) -> Client {
        self.login_from(name, 0)
    }

    /// Logs in from a sequence on.
    pub fn login_from(&self, name: &str, sequence: u64) -> Client {
        let mut client = Client::connect(self.order_entry());
        client.login(name, sequence).unwrap_or_else(|got| panic!("login of {name} from {sequence}: {got:?}"));
        client
    }

    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) takes two integers. The child has not been waited for while `self` is used, so the
        // number is still its own.
        let result = unsafe { libc::kill(self.pid(), signal) };
        assert_eq!(result, 0, "signal {signal} to the venue");
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(mut self) {
        self.stop_now();
    }

    fn stop_now(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.join_readers();
    }

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        self.signal(libc::SIGTERM);
        self.wait_exit(PATIENCE)
    }

    /// The exit code, or `None` when it still runs after this long or a signal ended it.
    pub fn wait_exit(&mut self, patience: Duration) -> Option<i32> {
        let since = Instant::now();
        while since.elapsed() < patience {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                self.join_readers();
                assert_eq!(status.signal(), None, "ended by a signal; stderr: {}", self.stderr());
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        None
    }

    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    fn join_readers(&mut self) {
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader of a pipe does not panic");
        }
    }

    pub fn stdout(&self) -> String {
        self.stdout.lock().expect("no reader panics").clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("no reader panics").clone()
    }

    /// What it has said on stderr so far, for other threads.
    pub fn log(&self) -> Arc<Mutex<String>> {
        Arc::clone(&self.stderr)
    }

    /// GET; status code and body.
    pub fn http(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.admin()).expect("the admin port listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: venue\r\nConnection: close\r\n\r\n")
            .expect("request sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let code = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (code, body.into())
    }

    /// `/status`
    pub fn status(&self) -> Value {
        let (code, body) = self.http("/status");
        assert_eq!(code, 200, "{body}");
        serde_json::from_str(&body).expect("the status is JSON")
    }

    /// Sequence of the next command.
    pub fn next_sequence(&self) -> u64 {
        self.status()["next_sequence"].as_u64().expect("a number")
    }

    /// Sequence of the next command, once what clients have caused so far is counted: a login is accepted a moment
    /// before its connect is.
    pub fn settled_sequence(&self) -> u64 {
        let mut before = self.next_sequence();
        eventually("the venue comes to rest", || {
            std::thread::sleep(Duration::from_millis(30));
            let at_rest = before == self.next_sequence();
            before = self.next_sequence();
            at_rest.then_some(before)
        })
    }

    /// Waits until exactly this many commands were journaled since `before`, and sees that no more follow.
    pub fn assert_journaled(&self, before: u64, commands: u64) {
        eventually("the expected number of journaled commands", || {
            (self.next_sequence() >= before + commands).then_some(())
        });
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(self.next_sequence() - before, commands, "commands journaled");
    }

    /// A figure of `/metrics`, by its whole name with labels.
    pub fn metric(&self, name: &str) -> u64 {
        let (code, body) = self.http("/metrics");
        assert_eq!(code, 200, "{body}");
        let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or_else(|| panic!("no metric {name} in {body}"))
    }

    /// Waits until so many connections were closed for this reason: counters follow a close by a moment.
    pub fn await_disconnects(&self, reason: &str, count: u64) {
        eventually(&format!("{count} closed as {reason}"), || {
            (self.disconnects(reason) >= count).then_some(())
        });
        assert_eq!(self.disconnects(reason), count, "closed as {reason}");
    }

    /// Connections closed for this reason so far.
    pub fn disconnects(&self, reason: &str) -> u64 {
        self.metric(&format!("ringside_disconnects_total{{reason=\"{reason}\"}}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_now();
    }
}

fn collect(
    pipe: impl Read + Send + 'static,
    into: Arc<Mutex<String>>,
    line_seen: impl Fn(&str) + Send + 'static,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut text = into.lock().expect("no test panics while it holds this");
            text.push_str(&line);
            text.push('\n');
            drop(text);
            line_seen(&line);
        }
    })
}
