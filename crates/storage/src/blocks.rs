//! Memory that the disk can be given as it is: whole blocks at a block boundary.

/// Unit of direct writes: the page, and a multiple of every block size of a disk.
pub const BLOCK: usize = 4096;

/// A buffer that begins at a block boundary, as `O_DIRECT` wants it.
#[derive(Debug)]
pub(crate) struct BlockBuffer {
    bytes: Vec<u8>,
    /// Of the first byte at a block boundary.
    start: usize,
    length: usize,
}

impl BlockBuffer {
    /// Zeros. `length` is a multiple of a block.
    pub(crate) fn new(length: usize) -> BlockBuffer {
        assert!(length.is_multiple_of(BLOCK), "Invariant: buffers are whole blocks");
        // Never grown afterwards, so it stays where it is.
        let bytes = vec![0; length + BLOCK];
        let start = bytes.as_ptr().align_offset(BLOCK);
        assert!(start < BLOCK, "Invariant: bytes can be aligned");
        BlockBuffer { bytes, start, length }
    }

    #[inline]
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.length]
    }
}
