use ringside_domain::*;
use ringside_journal::*;
use ringside_storage::*;
use std::time::Instant;
fn main() {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    let disk = Directory::create(&dir.path().join("j")).unwrap();
    let (src, task) =
        preparer(disk.clone(), SegmentOptions { length: 64 << 20, ahead: 2, pace: Pace::Unpaced }, 1);
    let t = std::thread::spawn(move || task.run());
    let mut j = Journal::create(src, 5, 0).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let c = Command {
        login: LoginId(7),
        action: Action::Enter(Enter {
            user_ref_num: 1,
            quantity: 100,
            price: 5,
            symbol: Text(*b"ESH4    "),
            client_order_id: Text(*b"client order 1"),
            side: b'B',
            time_in_force: b'0',
            display: b'Y',
            capacity: b'A',
            intermarket_sweep: b'N',
            cross_type: b'N',
            options: OrderOptions::default(),
        }),
    };
    let k = Command {
        login: LoginId(7),
        action: Action::Cancel(Cancel { user_ref_num: 1, quantity: 0, user_ref_idx: 0 }),
    };
    for (name, c) in [("enter", &c), ("cancel", &k)] {
        let n = 400_000u64;
        let mut v = Vec::with_capacity(n as usize);
        let s0 = j.written_sequence();
        let t0 = Instant::now();
        for s in 1..=n {
            let a = Instant::now();
            j.append(s0 + s, s0 + s, c).unwrap();
            v.push(a.elapsed().as_nanos());
        }
        let tot = t0.elapsed();
        v.sort();
        println!(
            "{name} timed p50 {} p99 {} p999 {} max {}; {:?}/rec",
            v[v.len() / 2],
            v[v.len() * 99 / 100],
            v[v.len() * 999 / 1000],
            v[v.len() - 1],
            tot / n as u32
        );
        let s0 = j.written_sequence();
        let t0 = Instant::now();
        for s in 1..=150_000u64 {
            j.append(s0 + s, s0 + s, c).unwrap();
        }
        println!("{name} untimed {:?}/rec", t0.elapsed() / 150_000);
        let t0 = Instant::now();
        j.flush().unwrap();
        println!("flush big {:?}", t0.elapsed());
    }
    let mut v = vec![];
    for _ in 0..500 {
        let s = j.written_sequence() + 1;
        let a = Instant::now();
        j.append(s, s, &c).unwrap();
        j.flush().unwrap();
        v.push(a.elapsed().as_micros());
    }
    v.sort();
    println!("append+flush p50 {} p99 {} us {:?}", v[250], v[495], j.counters());
    drop(j);
    t.join().unwrap();
    let t0 = Instant::now();
    let r = recover(&disk).unwrap();
    println!("recover {} in {:?}", r.last_sequence(), t0.elapsed());
    let t0 = Instant::now();
    let n = Reader::open(disk).count();
    println!("read {} in {:?}", n, t0.elapsed());
}
