//! Physical floors, measured in the same run: the raw device write, the loopback echo with the venue's frames, files read and
//! written without a look at them. None of them knows the venue.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Instant;

use hdrhistogram::Histogram;

use super::report::record;

const BLOCK: usize = 4096;
const FILE_BYTES: usize = 4 << 20;

/// One 4 KiB page at a page boundary, as O_DIRECT wants it.
#[repr(align(4096))]
struct Page([u8; BLOCK]);

/// R of all figures: one O_DIRECT + O_DSYNC write of 4 KiB into a file of real zeros.
pub struct RawDevice {
    file: File,
    page: Box<Page>,
    next: usize,
}

impl RawDevice {
    /// A probe file in a directory. `Err` where the file system has no O_DIRECT.
    pub fn new(directory: &Path) -> io::Result<Self> {
        let path = directory.join("raw-probe");
        let mut zeros = File::create(&path)?;
        zeros.write_all(&vec![0; FILE_BYTES])?;
        zeros.sync_all()?;
        let flags = libc::O_DIRECT | libc::O_DSYNC;
        let file = OpenOptions::new().write(true).custom_flags(flags).open(&path)?;
        Ok(RawDevice { file, page: Box::new(Page([0x5A; BLOCK])), next: 0 })
    }

    /// Times some writes.
    pub fn probe(&mut self, writes: u32, histogram: &mut Histogram<u64>) -> io::Result<()> {
        for _ in 0..writes {
            let offset = (self.next * BLOCK % FILE_BYTES) as u64;
            self.next += 1;
            let begin = Instant::now();
            std::os::unix::fs::FileExt::write_all_at(&self.file, &self.page.0, offset)?;
            record(histogram, begin.elapsed().as_nanos() as u64);
        }
        Ok(())
    }
}

/// Lengths of a request and of its answer, bytes.
pub type Frame = (usize, usize);

/// How an end of an echo waits for bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// In the kernel, until there are some.
    Blocking,
    /// Asking again and again; between two questions others may run.
    Polling,
}

/// A server that answers frames of the venue's lengths without looking at them, on a thread of its own.
pub struct Echo {
    client: TcpStream,
    frames: Vec<Frame>,
    waiting: Waiting,
    next: usize,
    server: Option<JoinHandle<()>>,
}

impl Echo {
    /// Starts the server and connects. The frames are sent in turn.
    pub fn start(frames: &[Frame], (ours, its): (Waiting, Waiting)) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let served = frames.to_vec();
        let server = std::thread::spawn(move || {
            let Ok((socket, _)) = listener.accept() else { return };
            // The client has hung up: that is how it ends.
            let _ = serve(socket, &served, its);
        });
        let client = TcpStream::connect(address)?;
        prepare(&client, ours)?;
        Ok(Echo { client, frames: frames.to_vec(), waiting: ours, next: 0, server: Some(server) })
    }

    /// Times some round trips.
    pub fn probe(&mut self, trips: u32, histogram: &mut Histogram<u64>) -> io::Result<()> {
        let longest = self.frames.iter().map(|(request, answer)| *request.max(answer)).max().unwrap_or(0);
        let mut buffer = vec![0x5A; longest];
        for _ in 0..trips {
            let (request, answer) = self.frames[self.next % self.frames.len()];
            self.next += 1;
            let begin = Instant::now();
            self.client.write_all(&buffer[..request])?;
            read_whole(&mut self.client, &mut buffer[..answer], self.waiting)?;
            record(histogram, begin.elapsed().as_nanos() as u64);
        }
        Ok(())
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.client.shutdown(std::net::Shutdown::Both);
        let _ = self.server.take().map(JoinHandle::join);
    }
}

fn prepare(socket: &TcpStream, waiting: Waiting) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_nonblocking(waiting == Waiting::Polling)
}

fn serve(mut socket: TcpStream, frames: &[Frame], waiting: Waiting) -> io::Result<()> {
    prepare(&socket, waiting)?;
    let longest = frames.iter().map(|(request, answer)| *request.max(answer)).max().unwrap_or(0);
    let mut buffer = vec![0x5A; longest];
    for (request, answer) in frames.iter().cycle() {
        read_whole(&mut socket, &mut buffer[..*request], waiting)?;
        socket.write_all(&buffer[..*answer])?;
    }
    Ok(())
}

fn read_whole(socket: &mut TcpStream, buffer: &mut [u8], waiting: Waiting) -> io::Result<()> {
    if waiting == Waiting::Blocking {
        return socket.read_exact(buffer);
    }
    let mut filled = 0;
    while filled < buffer.len() {
        match socket.read(&mut buffer[filled..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Seconds that it takes to write so many bytes into a new file and sync it: the floor of writing a snapshot.
pub fn write_seconds(directory: &Path, bytes: u64) -> io::Result<f64> {
    let path = directory.join("write-probe");
    let (chunk, mut left) = (vec![0x5A; 1 << 20], bytes as usize);
    let begin = Instant::now();
    let mut file = File::create(&path)?;
    while left > 0 {
        let count = left.min(chunk.len());
        file.write_all(&chunk[..count])?;
        left -= count;
    }
    file.sync_all()?;
    let seconds = begin.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(seconds)
}

/// Seconds that it takes to read all files of a directory, looking at nothing: the floor of reading a journal.
pub fn read_seconds(directory: &Path) -> io::Result<f64> {
    let mut chunk = vec![0; 1 << 20];
    let begin = Instant::now();
    for entry in std::fs::read_dir(directory)? {
        let mut file = File::open(entry?.path())?;
        while file.read(&mut chunk)? > 0 {}
    }
    Ok(begin.elapsed().as_secs_f64())
}
