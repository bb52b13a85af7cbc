//! Physical floors, measured in the same run: the raw device write and the loopback echo.

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

/// A server that sends back what it reads, blocking, on a thread of its own.
pub struct Echo {
    client: TcpStream,
    server: Option<JoinHandle<()>>,
}

impl Echo {
    /// Starts the server and connects.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = std::thread::spawn(move || {
            let Ok((mut socket, _)) = listener.accept() else { return };
            let _ = socket.set_nodelay(true);
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = socket.read(&mut buffer) {
                if socket.write_all(&buffer[..count]).is_err() {
                    return;
                }
            }
        });
        let client = TcpStream::connect(address)?;
        client.set_nodelay(true)?;
        Ok(Echo { client, server: Some(server) })
    }

    /// Times some round trips of `bytes` bytes.
    pub fn probe(&mut self, trips: u32, bytes: usize, histogram: &mut Histogram<u64>) -> io::Result<()> {
        let mut buffer = vec![0x5A; bytes];
        for _ in 0..trips {
            let begin = Instant::now();
            self.client.write_all(&buffer)?;
            self.client.read_exact(&mut buffer)?;
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
