//! Network namespaces joined by veth pairs, and what goes wrong on the way between them.
//!
//! The namespaces have no names: one lives as long as a thread is in it or a file descriptor points at it. However this program
//! and what it started end, the kernel takes namespaces away with their links, addresses and rules. Nothing outside is touched.
//!
//! Refuses to know: the venue, and who talks over these links.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::process::{Command, Output, Stdio};
use std::thread;

use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// Links end in addresses 10.77.N.1 (venue) and 10.77.N.2 (client).
pub const LINKS_MAX: u8 = 254;

/// What goes wrong on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing gets through.
    Both,
    /// Nothing gets to the venue.
    ToVenue,
    /// Nothing gets to the client.
    FromVenue,
    /// Every packet is answered by a TCP reset, at both ends, and reaches nobody.
    Reset,
    /// The client's network card is down.
    LinkDown,
    /// The venue has no route to the client.
    Blackhole,
    /// Three packets of ten are lost, both ways.
    Loss,
    /// Packets of 600 bytes and more do not reach the client: a link whose MTU nobody was told of.
    LargeLost,
    /// 256 kbit/s both ways with a queue of 200 ms, behind which packets are lost.
    Slow,
    /// 20 to 60 ms late, both ways, and one of four packets before its turn. Needs netem in the kernel.
    Late,
}

impl Fault {
    pub const ALL: [Fault; 10] = [
        Fault::Both,
        Fault::ToVenue,
        Fault::FromVenue,
        Fault::Reset,
        Fault::LinkDown,
        Fault::Blackhole,
        Fault::Loss,
        Fault::LargeLost,
        Fault::Slow,
        Fault::Late,
    ];

    /// The venue hears nothing, and is not told why.
    pub fn silences_client(self) -> bool {
        matches!(self, Fault::Both | Fault::ToVenue | Fault::LinkDown)
    }

    /// Some of it gets through: nobody need notice.
    pub fn is_partial(self) -> bool {
        matches!(self, Fault::Loss | Fault::LargeLost | Fault::Slow | Fault::Late)
    }
}

/// Which packets of a link a fault of iptables is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packets {
    All,
    /// Those with data that completes a write: connections can still be opened.
    Data,
}

/// A network namespace without a name.
pub struct Namespace {
    file: File,
}

impl Namespace {
    fn new() -> Namespace {
        let made = thread::spawn(|| {
            // SAFETY: only the network namespace of this thread changes; descriptors stay shared.
            unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.expect("root may make namespaces");
            File::open("/proc/thread-self/ns/net").expect("/proc is mounted")
        });
        let namespace = Namespace { file: made.join().expect("the thread says why") };
        namespace.ip("link set lo up");
        namespace
    }

    /// The calling thread, and whatever it starts, is in this namespace from now on.
    pub fn enter(&self) {
        let link = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(self.file.as_fd(), link).expect("root may enter a namespace it made");
    }

    /// A path by which other programs find it, as long as this one runs.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// Lines of `ip -batch`.
    fn ip(&self, lines: &str) {
        self.run(&["ip", "-batch", "-"], lines);
    }

    /// Runs a program inside, which must succeed.
    fn run(&self, words: &[&str], input: &str) {
        let output = thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter();
                run(words, input)
            });
            inside.join().expect("the thread says why")
        });
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?} {input}: {said}");
    }
}

fn run(words: &[&str], input: &str) -> Output {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", words[0]));
    let mut stdin = child.stdin.take().expect("it is a pipe");
    // Whoever does not read it has failed, and says so.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("a child can be waited for")
}

/// A namespace for the venue, and one for each of those around it.
pub struct Network {
    pub venue: Namespace,
    pub links: Vec<Link>,
}

impl Network {
    /// With so many links.
    pub fn new(links: u8) -> Network {
        assert!(links <= LINKS_MAX, "each link has a third byte of its own");
        let venue = Namespace::new();
        let links = (1..=links).map(|number| Link::to(&venue, number)).collect();
        Network { venue, links }
    }
}

/// A veth pair: `vN` in the venue's namespace, `c0` in the client's.
pub struct Link {
    pub number: u8,
    pub client: Namespace,
}

impl Link {
    fn to(venue: &Namespace, number: u8) -> Link {
        let client = Namespace::new();
        venue.ip(&format!(
            "link add v{number} type veth peer name c0 netns {}\naddr add 10.77.{number}.1/30 dev v{number}\n\
             link set v{number} up",
            client.path()
        ));
        client.ip(&format!("addr add 10.77.{number}.2/30 dev c0\nlink set c0 up"));
        Link { number, client }
    }

    /// Where the client finds the venue.
    pub fn venue_address(&self) -> String {
        format!("10.77.{}.1", self.number)
    }

    /// What the venue calls the client.
    pub fn client_address(&self) -> String {
        format!("10.77.{}.2", self.number)
    }

    pub fn begin(&self, venue: &Namespace, fault: Fault, packets: Packets) {
        self.change(venue, fault, packets, true);
    }

    pub fn end(&self, venue: &Namespace, fault: Fault, packets: Packets) {
        self.change(venue, fault, packets, false);
    }

    fn change(&self, venue: &Namespace, fault: Fault, packets: Packets, begin: bool) {
        let (number, add) = (self.number, if begin { "add" } else { "del" });
        match fault {
            Fault::LinkDown => {
                self.client.ip(&format!("link set c0 {}", if begin { "down" } else { "up" }));
            }
            Fault::Blackhole => venue.ip(&format!("route {add} blackhole 10.77.{number}.2/32")),
            Fault::Slow | Fault::Late => {
                shape(venue, &format!("v{number}"), fault, add);
                shape(&self.client, "c0", fault, add);
            }
            fault => {
                for (to_venue, rule) in rules(fault, packets) {
                    let (at, interface) = if to_venue {
                        (venue, format!("v{number}"))
                    } else {
                        (&self.client, "c0".to_owned())
                    };
                    filter(at, &interface, &rule, begin);
                }
            }
        }
    }
}

/// What is lost is lost on arrival: a sender that drops its own packets knows of it, a network does not.
fn rules(fault: Fault, packets: Packets) -> Vec<(bool, String)> {
    let data = if packets == Packets::Data { "--tcp-flags PSH PSH " } else { "" };
    let drop = format!("-p tcp {data}-j DROP");
    // The resets themselves get through.
    let flags = if packets == Packets::Data { "PSH,RST PSH" } else { "RST NONE" };
    let reset = format!("-p tcp --tcp-flags {flags} -j REJECT --reject-with tcp-reset");
    let some = "-m statistic --mode random --probability 0.3 -j DROP".to_owned();
    match fault {
        Fault::Both => vec![(true, drop.clone()), (false, drop)],
        Fault::ToVenue => vec![(true, drop)],
        Fault::FromVenue => vec![(false, drop)],
        Fault::Reset => vec![(true, reset.clone()), (false, reset)],
        Fault::Loss => vec![(true, some.clone()), (false, some)],
        Fault::LargeLost => vec![(false, "-m length --length 600: -j DROP".to_owned())],
        Fault::LinkDown | Fault::Blackhole | Fault::Slow | Fault::Late => Vec::new(),
    }
}

fn filter(at: &Namespace, interface: &str, rule: &str, begin: bool) {
    let change = if begin { "-A" } else { "-D" };
    let mut words = vec!["iptables", "-w", change, "INPUT", "-i", interface];
    words.extend(rule.split(' '));
    at.run(&words, "");
}

fn shape(at: &Namespace, interface: &str, fault: Fault, add: &str) {
    let mut words = vec!["tc", "qdisc", add, "dev", interface, "root"];
    if add == "add" {
        let slow = "tbf rate 256kbit burst 5kb latency 200ms";
        let late = "netem delay 40ms 20ms reorder 25%";
        words.extend(if fault == Fault::Slow { slow } else { late }.split(' '));
    }
    at.run(&words, "");
}

/// Whether this machine lets us; the reason is printed otherwise.
pub fn is_possible() -> bool {
    let missing = if !rustix::process::geteuid().is_root() {
        Some("not root".to_owned())
    } else if let Some(program) = ["ip", "iptables", "tc"].into_iter().find(|program| !exists(program)) {
        Some(format!("{program} is not installed (scripts/install-test-tools)"))
    } else {
        refusal()
    };
    if let Some(reason) = &missing {
        println!("skipped: {reason}");
    }
    missing.is_none()
}

fn exists(program: &str) -> bool {
    Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// What the kernel says to a namespace, a veth pair and a rule, tried where nothing can be harmed.
fn refusal() -> Option<String> {
    let tried = thread::spawn(|| {
        // SAFETY: only the network namespace of this thread changes; descriptors stay shared.
        unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.map_err(|error| format!("no namespaces: {error}"))?;
        let commands = [
            "ip link add v0 type veth peer name c0",
            "iptables -w -A INPUT -m statistic --mode random --probability 0.3 -j DROP",
        ];
        for command in commands {
            let output = run(&command.split(' ').collect::<Vec<_>>(), "");
            if !output.status.success() {
                return Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr).trim()));
            }
        }
        Ok(())
    });
    tried.join().expect("it does not panic").err()
}

/// Whether the kernel can delay and reorder packets; the reason is printed otherwise.
pub fn has_netem() -> bool {
    let tried = thread::spawn(|| {
        // SAFETY: as above.
        unsafe { unshare_unsafe(UnshareFlags::NEWNET) }.expect("tried before");
        run(&["tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "10ms"], "").status.success()
    });
    let has = tried.join().expect("the thread says why");
    if !has {
        println!("skipped: delay and reordering (the kernel has no netem)");
    }
    has
}
