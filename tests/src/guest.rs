//! The command loop inside a VM with a kernel of its own: requests come and answers go over one character device.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::fs::{Mode, OFlags, open};
use rustix::termios::{OptionalActions, isatty, tcgetattr, tcsetattr};

use crate::run::{command, run};
use crate::wire::{Answer, FromGuest, Request, read_line, write_line};

/// Serves requests, each on a thread of its own, until the other side closes the device.
///
/// # Errors
/// When the device can't be used or something else than a request comes in.
pub fn serve(device: &Path) -> io::Result<()> {
    let device = channel(device)?;
    let answers = Arc::new(Mutex::new(device.try_clone()?));
    let mut requests = BufReader::new(Counted {
        device,
        taken: 0,
        answers: Arc::clone(&answers),
    });
    send(&answers, &FromGuest::Hello)?;
    while let Some(request) = read_line::<Request>(&mut requests)? {
        let answers = Arc::clone(&answers);
        thread::Builder::new().spawn(move || {
            let id = request.id;
            // When the device is gone, so is the reader of any error.
            send(
                &answers,
                &FromGuest::Answer {
                    id,
                    answer: answer(&request),
                },
            )
            .ok();
        })?;
    }
    Ok(())
}

/// The device, telling the other side after each read how much of its window is free again.
struct Counted {
    device: File,
    taken: u64,
    answers: Arc<Mutex<File>>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.device.read(into)?;
        self.taken = self.taken.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        send(&self.answers, &FromGuest::Taken(self.taken))?;
        Ok(read)
    }
}

fn send(answers: &Mutex<File>, line: &FromGuest) -> io::Result<()> {
    let mut to = answers.lock().unwrap_or_else(PoisonError::into_inner);
    write_line(&mut *to, line)
}

fn answer(request: &Request) -> Answer {
    let argv: Vec<&str> = request.argv.iter().map(String::as_str).collect();
    command(&argv)
        .and_then(|command| run(command, &request.input, request.limits))
        .into()
}

/// Opens the device; a terminal is set raw, so that no byte is echoed, changed or taken for a signal.
fn channel(path: &Path) -> io::Result<File> {
    let device = open(
        path,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    if isatty(&device) {
        let mut settings = tcgetattr(&device)?;
        settings.make_raw();
        tcsetattr(&device, OptionalActions::Now, &settings)?;
    }
    Ok(File::from(device))
}
