//! A connection with an end: however slowly the other side speaks or listens, it is over by then.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What is written at once, in bytes.
const PIECE: usize = 16 << 10;

/// A connection until a moment.
#[derive(Debug)]
pub struct Timed<'s> {
    stream: &'s UnixStream,
    until: Instant,
}

impl<'s> Timed<'s> {
    /// For so long from now.
    pub fn new(stream: &'s UnixStream, patience: Duration) -> Self {
        Self {
            stream,
            until: Instant::now() + patience,
        }
    }

    /// What is left; nothing is an error, since a timeout of nought means none.
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(into)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        // The kernel waits anew for each piece of one long write.
        let piece = bytes.get(..PIECE).unwrap_or(bytes);
        self.stream.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(300);

    #[test]
    fn who_says_a_byte_now_and_then_is_not_heard_for_ever() {
        let (here, there) = UnixStream::pair().unwrap();
        let speaker = std::thread::spawn(move || {
            while (&there).write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let mut all = [0; 1 << 16];
        let begun = Instant::now();
        Timed::new(&here, PATIENCE).read_exact(&mut all).unwrap_err();
        assert!(begun.elapsed() < PATIENCE * 10);
        drop(here);
        speaker.join().unwrap();
    }

    #[test]
    fn who_takes_a_byte_now_and_then_is_not_waited_for() {
        let (here, there) = UnixStream::pair().unwrap();
        let listener = std::thread::spawn(move || {
            let mut few = [0; 8 << 10];
            while (&there).read(&mut few).is_ok_and(|length| length > 0) {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let begun = Instant::now();
        Timed::new(&here, PATIENCE)
            .write_all(&vec![0; 8 << 20])
            .unwrap_err();
        assert!(begun.elapsed() < PATIENCE * 10);
        drop(here);
        listener.join().unwrap();
    }
}
