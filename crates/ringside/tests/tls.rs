//! Order entry over TLS as clients meet it: certificates, bindings of logins, and what is no TLS.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use ringside_domain::Text;
use ringside_wire::soup::{self, LoginRequest, kind};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use support::*;

const USAGE: i32 = 2;

/// An authority and what it signs, as PEM files of a directory.
struct Authority {
    directory: PathBuf,
    name: &'static str,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(directory: &Path, name: &'static str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        write(&directory.join(format!("{name}.pem")), &certificate.pem());
        Authority { directory: directory.into(), name, issuer: Issuer::new(params, key) }
    }

    fn file(&self) -> PathBuf {
        self.directory.join(format!("{}.pem", self.name))
    }

    /// Certificate and key of somebody.
    fn sign(&self, name: &str, is_expired: bool) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(vec![name.into()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        if is_expired {
            (params.not_before, params.not_after) =
                (rcgen::date_time_ymd(2019, 1, 1), rcgen::date_time_ymd(2020, 1, 1));
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let file = |kind: &str| self.directory.join(format!("{}-{name}-{is_expired}.{kind}", self.name));
        write(&file("pem"), &certificate.pem());
        write(&file("key"), &key.serialize_pem());
        (file("pem"), file("key"))
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its owner");
}

/// A venue that speaks TLS, and those who sign for it and its clients.
struct Hall {
    venue: Running,
    site: Site,
    ours: Authority,
}

impl Hall {
    /// ALICE is bound to the certificate `alice-desk`, BOB to none. Plaintext stays open for the bystander.
    fn new(asks_for_certificates: bool) -> Hall {
        let site = Site::new(CONFIG);
        let ours = Authority::new(site.path(), "ours");
        let (certificate, key) = ours.sign("localhost", false);
        let config = config(&certificate, &key, asks_for_certificates.then(|| ours.file()).as_deref());
        site.configure(&config);
        Hall { venue: site.start(), site, ours }
    }

    fn tls(&self) -> SocketAddr {
        self.venue.ready["order_entry_tls"].as_str().and_then(|at| at.parse().ok()).expect("a TLS port")
    }

    fn connect(&self, identity: Option<(PathBuf, PathBuf)>) -> Secure {
        Secure::connect(self.tls(), &self.ours, identity)
    }
}

fn config(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> String {
    let ca = client_ca.map_or(String::new(), |ca| format!("client_ca = {ca:?}\n"));
    let bound = if client_ca.is_some() { "certificate_name = \"alice-desk\"\n" } else { "" };
    let tls = format!(
        "[order_entry.tls]\nlisten = \"127.0.0.1:0\"\ncertificate = {certificate:?}\nkey = {key:?}\n{ca}[admin]"
    );
    CONFIG.replacen("[admin]", &tls, 1).replacen("[[login]]\n", &format!("[[login]]\n{bound}"), 1)
}

/// A TLS connection, byte by byte like [`Client`].
struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Secure {
    fn connect(address: SocketAddr, trusted: &Authority, identity: Option<(PathBuf, PathBuf)>) -> Secure {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(trusted.file()).expect("PEM")).expect("an authority");
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_file(certificate).expect("PEM")];
                let key = PrivateKeyDer::from_pem_file(key).expect("PEM");
                builder.with_client_auth_cert(chain, key).expect("a pair")
            }
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let socket = TcpStream::connect(address).expect("the venue accepts connections");
        socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        socket.set_nodelay(true).expect("a TCP socket");
        Secure(StreamOwned::new(connection, socket))
    }

    fn send(&mut self, kind: u8, payload: &[u8]) {
        let mut packet = Vec::new();
        soup::put_packet(kind, payload, &mut packet);
        // A venue that has closed meanwhile is seen at the next read.
        let _ = self.0.write_all(&packet).and_then(|()| self.0.flush());
    }

    fn login(&mut self, name: &str, password: &str) -> Option<(u8, Vec<u8>)> {
        let mut packet = Vec::new();
        let request = LoginRequest {
            username: Text::new(name).expect("a name"),
            password: Text::new(password).expect("a password"),
            session: Text::BLANK,
            sequence: Some(0),
        };
        request.encode(&mut packet);
        let _ = self.0.write_all(&packet).and_then(|()| self.0.flush());
        self.next()
    }

    /// The next packet that is no heartbeat; `None`: the venue closed.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            let mut header = [0; 3];
            self.0.read_exact(&mut header).ok()?;
            let length = usize::from(u16::from_be_bytes([header[0], header[1]])) - 1;
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).ok()?;
            if header[2] != kind::SERVER_HEARTBEAT {
                return Some((header[2], payload));
            }
        }
    }

    fn trade(&mut self, message: &[u8]) -> u8 {
        self.send(kind::UNSEQUENCED, message);
        let (kind, payload) = self.next().expect("an answer");
        assert_eq!(kind, kind::SEQUENCED);
        payload[0]
    }
}

fn closed(stream: &mut TcpStream, patience: Duration) -> bool {
    stream.set_read_timeout(Some(patience)).expect("not zero");
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

#[test]
fn orders_trade_over_tls_and_meet_those_of_the_plaintext_port() {
    let hall = Hall::new(false);
    let mut alice = hall.connect(None);
    assert_eq!(alice.login("ALICE", "pw-alice").map(|(kind, _)| kind), Some(kind::LOGIN_ACCEPTED));
    assert_eq!(alice.trade(&enter(1, b'B', 5, "ESH4")), b'A');
    hall.venue.login("BOB").trade(&enter(1, b'S', 5, "ESH4"), "AE");
    assert_eq!(alice.next().map(|(_, message)| message[0]), Some(b'E'));
    assert_eq!(hall.venue.status()["order_entry_tls"], hall.venue.ready["order_entry_tls"]);
}

/// More than the venue reads, TLS holds or a record carries at a time.
#[test]
fn a_long_stream_comes_whole_and_in_order_over_tls() {
    const ORDERS: u32 = 20_000;
    let hall = Hall::new(false);
    let mut alice = hall.connect(None);
    alice.login("ALICE", "pw-alice").expect("accepted");
    let mut bytes = Vec::new();
    for n in 1..=ORDERS {
        soup::put_packet(kind::UNSEQUENCED, &enter(n, b'B', 1, "ESH4"), &mut bytes);
    }
    alice.0.write_all(&bytes).expect("the venue reads");
    for n in 1..=ORDERS {
        let (_, message) = alice.next().expect("an answer");
        assert_eq!(reply(&message).user_ref_num(), Some(n));
    }
}

#[test]
fn a_login_bound_to_a_certificate_needs_it_and_its_password() {
    let hall = Hall::new(true);
    let desk = || Some(hall.ours.sign("alice-desk", false));
    let other = || Some(hall.ours.sign("bob-desk", false));
    let refused = Some((kind::LOGIN_REJECTED, vec![b'A']));
    assert_eq!(hall.connect(desk()).login("ALICE", "wrong"), refused);
    assert_eq!(hall.connect(other()).login("ALICE", "pw-alice"), refused, "somebody else's certificate");
    let mut plain = Client::connect(hall.venue.order_entry());
    assert_eq!(plain.login("ALICE", 0).unwrap_err(), Got::Packet(kind::LOGIN_REJECTED, vec![b'A']));
    let mut alice = hall.connect(desk());
    assert_eq!(alice.login("ALICE", "pw-alice").map(|(kind, _)| kind), Some(kind::LOGIN_ACCEPTED));
    assert_eq!(alice.trade(&enter(1, b'B', 5, "ESH4")), b'A');
    let bob = hall.connect(other()).login("BOB", "pw-bob");
    assert_eq!(bob.map(|(kind, _)| kind), Some(kind::LOGIN_ACCEPTED), "a login that is bound to none");
    for transport in ["tls", "tcp"] {
        let is_it = |line: &Value| line["reason"] == "certificate" && line["transport"] == transport;
        eventually("the audit line", || audit(&hall.venue).iter().any(is_it).then_some(()));
    }
}

fn audit(venue: &Running) -> Vec<Value> {
    let lines = venue.stderr();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
    lines.filter(|line| line["target"] == "ringside_audit").collect()
}

#[test]
fn what_is_no_tls_or_has_no_good_certificate_is_closed_and_counted_by_reason() {
    let hall = Hall::new(true);
    let mut bystander = hall.venue.login("CAROL");
    let before = hall.venue.settled_sequence();
    let mut packet = Vec::new();
    soup::put_packet(kind::LOGIN_REQUEST, &[b' '; 46], &mut packet);
    // A login in plaintext, an HTTP request, a TLS record of nothing, noise.
    for bytes in [&packet[..], b"GET / HTTP/1.1\r\n\r\n", &[22, 3, 1, 0, 0, 0, 0, 0], &[0xFF; 600]] {
        let mut stream = TcpStream::connect(hall.tls()).expect("accepted");
        stream.write_all(bytes).expect("sent");
        assert!(closed(&mut stream, Duration::from_secs(2)), "open after {:02x?}", &bytes[..4]);
    }
    hall.venue.await_disconnects("tls_protocol", 4);
    let theirs = Authority::new(hall.site.path(), "theirs");
    let identities = [None, Some(theirs.sign("alice-desk", false)), Some(hall.ours.sign("alice-desk", true))];
    for identity in identities {
        assert_eq!(hall.connect(identity).login("ALICE", "pw-alice"), None);
    }
    hall.venue.await_disconnects("tls_certificate", 3);
    bystander.trade(&enter(1, b'B', 1, "AAPL"), "A");
    hall.venue.assert_journaled(before, 1);
}

#[test]
fn a_handshake_that_stops_is_closed_at_the_login_deadline() {
    let hall = Hall::new(false);
    let since = Instant::now();
    let mut silent = TcpStream::connect(hall.tls()).expect("accepted");
    // The first bytes of a ClientHello, and no more.
    let mut half = TcpStream::connect(hall.tls()).expect("accepted");
    half.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).expect("sent");
    // A whole handshake, and no login.
    let mut shaken = hall.connect(None);
    shaken.0.flush().expect("a handshake");
    assert!(closed(&mut silent, Duration::from_secs(9)));
    assert!(closed(&mut half, Duration::from_secs(3)));
    assert!(closed(&mut shaken.0.sock, Duration::from_secs(3)));
    assert!(since.elapsed() > Duration::from_millis(4_500), "closed after {:?}", since.elapsed());
    hall.venue.await_disconnects("login_deadline", 3);
}

/// TLS 1.3 knows no renegotiation; changing keys over and over is what is left of it.
#[test]
fn a_flood_of_key_changes_delays_nobody() {
    let hall = Hall::new(false);
    let mut bystander = hall.venue.login("CAROL");
    let mut flooder = hall.connect(None);
    flooder.login("ALICE", "pw-alice").expect("accepted");
    let since = Instant::now();
    let mut worst = Duration::ZERO;
    for n in 1..=50 {
        for _ in 0..100 {
            flooder.0.conn.refresh_traffic_keys().expect("a new key");
        }
        let _ = flooder.0.flush();
        let round = Instant::now();
        bystander.trade(&enter(n, b'B', 1, "AAPL"), "A");
        worst = worst.max(round.elapsed());
    }
    println!("50 rounds of 100 key changes in {:?}, worst round trip {worst:?}", since.elapsed());
    assert!(worst < Duration::from_secs(2), "{worst:?}");
    assert_eq!(hall.venue.http("/livez").0, 200);
}

/// Row 8 of the table of bad inputs: over TLS, what was seen on the wire is worth nothing.
#[test]
fn a_recorded_login_is_worth_nothing_on_another_connection() {
    let hall = Hall::new(false);
    let relay = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let (through, tls) = (relay.local_addr().expect("an address"), hall.tls());
    let recorder = std::thread::spawn(move || {
        let (near, _) = relay.accept().expect("the client comes");
        let far = TcpStream::connect(tls).expect("accepted");
        let (mut back_from, mut back_to) =
            (far.try_clone().expect("a clone"), near.try_clone().expect("a clone"));
        std::thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
        let (mut near, mut far, mut recorded, mut chunk) = (near, far, Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = near.read(&mut chunk) {
            recorded.extend_from_slice(&chunk[..count]);
            far.write_all(&chunk[..count]).expect("the venue reads");
        }
        recorded
    });
    let mut alice = Secure::connect(through, &hall.ours, None);
    assert_eq!(alice.login("ALICE", "pw-alice").map(|(kind, _)| kind), Some(kind::LOGIN_ACCEPTED));
    drop(alice);
    let recorded = recorder.join().expect("a record");
    // Figures follow what is sent by a moment.
    let logins = || hall.venue.metric("ringside_logins_total");
    eventually("the login is counted", || (logins() == 1).then_some(()));
    let mut replayed = TcpStream::connect(hall.tls()).expect("accepted");
    replayed.write_all(&recorded).expect("sent");
    assert!(closed(&mut replayed, Duration::from_secs(2)));
    hall.venue.await_disconnects("tls_protocol", 1);
    assert_eq!(logins(), 1);
}

#[test]
fn with_tls_alone_there_is_no_plaintext_port() {
    let site = Site::new(CONFIG);
    let ours = Authority::new(site.path(), "ours");
    let (certificate, key) = ours.sign("localhost", false);
    let config =
        config(&certificate, &key, None).replacen("[order_entry]\nlisten = \"127.0.0.1:0\"\n", "", 1);
    site.configure(&config);
    let venue = site.start();
    assert!(venue.ready["order_entry"].is_null() && venue.ready.get("order_entry").is_some());
    assert!(venue.ready["order_entry_tls"].is_string());
    assert!(venue.status()["order_entry"].is_null());
}

#[test]
fn files_that_cannot_be_used_are_named_with_their_key() {
    let site = Site::new(CONFIG);
    let ours = Authority::new(site.path(), "ours");
    let (certificate, key) = ours.sign("localhost", false);
    let (_, other) = ours.sign("other", false);
    let open = site.path().join("open.key");
    write(&open, &std::fs::read_to_string(&key).expect("a key"));
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).expect("its owner");
    let missing = site.path().join("nosuch.pem");
    let cases = [
        (config(&missing, &key, None), ["order_entry.tls.certificate", "nosuch.pem"]),
        (config(&certificate, &missing, None), ["order_entry.tls.key", "nosuch.pem"]),
        (config(&certificate, &other, None), ["order_entry.tls.key", "is not the key of"]),
        (config(&certificate, &open, None), ["order_entry.tls.key", "0644"]),
        (config(&certificate, &key, Some(&missing)), ["order_entry.tls.client_ca", "nosuch.pem"]),
        (
            config(&certificate, &key, Some(&ours.file())).replace("client_ca", "# client_ca"),
            ["login[0].certificate_name", "client_ca"],
        ),
    ];
    for (config, names) in cases {
        site.configure(&config);
        let exit = site.refused();
        assert_eq!(exit.code, Some(USAGE), "{}", exit.stderr);
        assert!(exit.stderr.lines().count() <= 3, "{}", exit.stderr);
        for name in [&names[..], &["ringside.toml"]].concat() {
            assert!(exit.stderr.contains(name), "{name} is not named in: {}", exit.stderr);
        }
    }
}

#[test]
fn an_expired_certificate_of_the_venue_is_a_warning() {
    let site = Site::new(CONFIG);
    let ours = Authority::new(site.path(), "ours");
    let (certificate, key) = ours.sign("localhost", true);
    site.configure(&config(&certificate, &key, None));
    let venue = site.start();
    eventually("the warning", || venue.stderr().contains("has expired").then_some(()));
}

#[test]
fn a_flow_is_sent_over_tls_with_a_certificate_of_its_own() {
    let hall = Hall::new(true);
    let (certificate, key) = hall.ours.sign("alice-desk", false);
    let flow = hall.site.path().join("flow.csv");
    write(
        &flow,
        "time_ns,action,order_id,symbol,side,price,quantity,tif,new_order_id\n\
         1,new,1,ESH4,S,4800.25,5,day,\n2,new,2,ESH4,B,4800.25,3,ioc,\n",
    );
    let word = |path: &Path| path.to_str().expect("ASCII").to_owned();
    let to = hall.tls().to_string();
    let (ca, certificate, key, flow) = (word(&hall.ours.file()), word(&certificate), word(&key), word(&flow));
    let base = ["send", "--to", &to, "--username", "ALICE", "--password", "pw-alice", "--tls", "--ca", &ca];
    let named = ["--server-name", "localhost", "--cert", &certificate, "--key", &key];
    let exit = hall.site.run(&[&base[..], &named, &[&flow]].concat());
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let summary: Value =
        serde_json::from_str(exit.stdout.trim().lines().last().expect("a summary")).expect("JSON");
    assert_eq!((&summary["sent"], &summary["fills"]), (&2.into(), &1.into()));
    // The certificate has no such name as 127.0.0.1; and without one of ours there is no connection.
    let exit = hall.site.run(&[&base[..], &["--cert", &certificate, "--key", &key, &flow]].concat());
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert!(exit.stderr.contains("not valid for name"), "{}", exit.stderr);
    let exit = hall.site.run(&[&base[..], &["--server-name", "localhost", &flow]].concat());
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let exit = hall.site.run(&[&base[..9], &["/no/such.pem", &flow]].concat());
    assert_eq!(exit.code, Some(USAGE), "{}", exit.stderr);
}

#[test]
fn what_was_decrypted_behind_a_login_moves_with_it_to_another_gateway() {
    const ORDERS: u32 = 200;
    let site = Site::new(CONFIG);
    let ours = Authority::new(site.path(), "ours");
    let (certificate, key) = ours.sign("localhost", false);
    let config = config(&certificate, &key, None).replacen("[pipeline]", "[pipeline]\ngateways = 3", 1);
    site.configure(&config);
    let hall = Hall { venue: site.start(), site, ours };
    // All in one record, then in many.
    for (round, size) in [usize::MAX, 7].into_iter().enumerate() {
        for name in ["ALICE", "BOB", "CAROL"] {
            let mut client = hall.connect(None);
            let bytes = login_and_orders(name, 1 + ORDERS * round as u32, ORDERS);
            bytes.chunks(size).for_each(|chunk| client.0.write_all(chunk).expect("the venue reads"));
            assert_eq!(client.next().map(|(kind, _)| kind), Some(kind::LOGIN_ACCEPTED), "{name}");
            for n in 0..ORDERS {
                assert_eq!(client.next().map(|(_, message)| message[0]), Some(b'A'), "{name}, order {n}");
            }
        }
    }
}
