//! The completeness rules against a scripted kernel.

use std::collections::VecDeque;
use std::io;

use super::*;

const PORT: u32 = 7;
const ROW: u16 = 100;

/// Answers each request with the next list of datagrams; `None` in place of a sequence number means the request's own.
#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Vec<Vec<u8>>>,
    pending: VecDeque<Vec<u8>>,
    requests: usize,
}

impl Link for Script {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.requests += 1;
        let sequence = &message[8..12];
        self.pending = self.answers.pop_front().unwrap_or_default().into();
        for datagram in &mut self.pending {
            let mut at = 0;
            while at + 16 <= datagram.len() {
                if datagram[at + 8..at + 12] == [0; 4] {
                    datagram[at + 8..at + 12].copy_from_slice(sequence);
                }
                let length = u32::from_ne_bytes(datagram[at..at + 4].try_into().unwrap());
                at += usize::try_from(length).unwrap().max(16);
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.pending.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let copied = datagram.len().min(buffer.len());
        buffer[..copied].copy_from_slice(&datagram[..copied]);
        Ok(datagram.len())
    }
}

fn message(message_type: u16, flags: NlmF, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame::encode(message_type, flags.bits(), 0, payload);
    bytes[12..16].copy_from_slice(&PORT.to_ne_bytes());
    bytes
}

fn row(flags: NlmF) -> Vec<u8> {
    message(ROW, NlmF::MULTI | flags, &[1, 2, 3, 4])
}

fn done(errno: i32) -> Vec<u8> {
    message(DONE, NlmF::MULTI, &(-errno).to_ne_bytes())
}

fn dump(answers: Vec<Vec<Vec<u8>>>) -> Result<Vec<RawMessage>, DumpError> {
    let mut socket = Socket::over(
        Script {
            answers: answers.into(),
            ..Script::default()
        },
        PORT,
    );
    socket.warm = true;
    socket.dump(1, &[])
}

#[test]
fn a_whole_dump_is_returned() {
    let rows = dump(vec![vec![
        [row(NlmF::empty()), row(NlmF::empty())].concat(),
        done(0),
    ]])
    .unwrap();
    assert_eq!(rows.len(), 2);
}

#[test]
fn the_first_dump_of_a_socket_is_thrown_away() {
    let answers = vec![vec![done(0)], vec![row(NlmF::empty()), done(0)], vec![done(0)]];
    let mut socket = Socket::over(
        Script {
            answers: answers.into(),
            ..Script::default()
        },
        PORT,
    );
    assert_eq!(
        socket.dump(1, &[]).unwrap().len(),
        1,
        "the second answer is the one that counts"
    );
    assert_eq!(socket.link.requests, 2);
    assert_eq!(
        socket.dump(1, &[]).unwrap().len(),
        0,
        "and only the first dump is repeated"
    );
    assert_eq!(socket.link.requests, 3);
}

#[test]
fn a_dump_without_its_end_is_an_error() {
    assert!(matches!(
        dump(vec![vec![row(NlmF::empty())]]),
        Err(DumpError::Receive(_))
    ));
    assert!(matches!(dump(vec![vec![]]), Err(DumpError::Receive(_))));
}

#[test]
fn an_interrupted_dump_is_an_error_wherever_it_says_so() {
    let on_a_row = vec![vec![row(NlmF::DUMP_INTR), row(NlmF::empty()), done(0)]];
    assert!(matches!(dump(on_a_row), Err(DumpError::Interrupted { .. })));
    let on_the_end = vec![vec![row(NlmF::empty()), message(DONE, NlmF::DUMP_INTR, &[0; 4])]];
    assert!(matches!(dump(on_the_end), Err(DumpError::Interrupted { .. })));
}

#[test]
fn an_error_at_the_end_is_an_error() {
    let failed = dump(vec![vec![row(NlmF::empty()), done(libc::EPERM)]]);
    assert!(matches!(failed, Err(DumpError::Refused { errno: libc::EPERM })));
    let no_number = dump(vec![vec![message(DONE, NlmF::MULTI, &[])]]);
    assert!(matches!(no_number, Err(DumpError::Malformed(_))));
}

#[test]
fn a_message_larger_than_the_buffer_is_an_error() {
    let huge = message(ROW, NlmF::MULTI, &vec![0; BUFFER]);
    assert!(matches!(
        dump(vec![vec![huge, done(0)]]),
        Err(DumpError::Truncated { .. })
    ));
}

#[test]
fn an_answer_to_another_request_is_an_error() {
    let mut stale = row(NlmF::empty());
    stale[8..12].copy_from_slice(&999u32.to_ne_bytes());
    assert!(matches!(
        dump(vec![vec![stale, done(0)]]),
        Err(DumpError::Malformed(_))
    ));
    let mut foreign = row(NlmF::empty());
    foreign[12..16].copy_from_slice(&8u32.to_ne_bytes());
    assert!(matches!(
        dump(vec![vec![foreign, done(0)]]),
        Err(DumpError::Malformed(_))
    ));
}

#[test]
fn a_cut_message_is_an_error() {
    let mut cut = row(NlmF::empty());
    cut.truncate(18);
    assert!(matches!(dump(vec![vec![cut]]), Err(DumpError::Malformed(_))));
    assert!(matches!(
        dump(vec![vec![vec![0; 16], done(0)]]),
        Err(DumpError::Malformed(_))
    ));
}

/// The law of all readers: whatever is cut off an answer, be it a byte or a datagram, it is an error and never a shorter list.
#[test]
fn a_dump_cut_anywhere_is_an_error() {
    let rows: Vec<Vec<u8>> = (0..6).map(|_| row(NlmF::empty())).collect();
    let whole = vec![rows[..3].concat(), rows[3..].concat(), done(0)];
    assert_eq!(dump(vec![whole.clone()]).unwrap().len(), 6);
    for datagram in 0..whole.len() {
        for cut in 0..whole[datagram].len() {
            let mut short = whole[..=datagram].to_vec();
            short[datagram].truncate(cut);
            // Where more comes behind, the kernel itself tells of a datagram that it dropped or cut (`ENOBUFS`, `MSG_TRUNC`);
            // without its word only a cut between two messages would look whole.
            let lost_between = [short.as_slice(), &whole[datagram + 1..]].concat();
            let lost_end = dump(vec![short]);
            assert!(lost_end.is_err(), "datagram {datagram} ends at {cut}");
            let is_boundary = datagram < 2 && cut % rows[0].len() == 0;
            assert_eq!(
                dump(vec![lost_between]).is_err(),
                !is_boundary,
                "datagram {datagram} cut at {cut}"
            );
        }
    }
}

/// The same where datagrams are handed on as they come.
#[test]
fn datagrams_of_a_dump_cut_anywhere_are_an_error() {
    let whole = vec![[row(NlmF::empty()), row(NlmF::empty())].concat(), done(0)];
    let read = |datagrams: &[Vec<u8>]| {
        let script = Script {
            answers: vec![datagrams.to_vec()].into(),
            ..Script::default()
        };
        let mut socket = Socket::over(script, PORT);
        socket.warm = true;
        socket.dump_datagrams(1, &[], &mut |_| datagrams::buffer())
    };
    assert!(read(&whole).is_ok());
    for datagram in 0..whole.len() {
        for cut in 0..whole[datagram].len() {
            let mut short = whole[..=datagram].to_vec();
            short[datagram].truncate(cut);
            assert!(read(&short).is_err(), "datagram {datagram} ends at {cut}");
        }
    }
}

fn ask(requests: usize, datagrams: Vec<Vec<u8>>) -> Result<Vec<Answer>, DumpError> {
    let script = Script {
        answers: vec![datagrams].into(),
        ..Script::default()
    };
    Socket::over(script, PORT).ask(1, &vec![vec![0; 4]; requests])
}

/// An answer to the request of this number, from 1.
fn numbered(number: u8, message_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = message(message_type, NlmF::empty(), payload);
    bytes[8] = number;
    bytes
}

fn refusal(number: u8, errno: i32) -> Vec<u8> {
    numbered(number, ERROR, &(-errno).to_ne_bytes())
}

#[test]
fn each_of_several_requests_gets_its_own_answer() {
    let datagrams = vec![
        [refusal(2, libc::ENOENT), numbered(3, ROW, &[3])].concat(),
        numbered(1, ROW, &[1]),
    ];
    let answers = ask(3, datagrams).unwrap();
    let found = |answer: &Answer| match answer {
        Answer::Message(message) => Ok(message.payload.0.clone()),
        Answer::Refused { errno, .. } => Err(*errno),
    };
    let all: Vec<_> = answers.iter().map(found).collect();
    assert_eq!(all, [Ok(vec![1]), Err(libc::ENOENT), Ok(vec![3])]);
    assert!(ask(0, Vec::new()).unwrap().is_empty());
}

#[test]
fn an_answer_too_few_too_many_or_to_nobody_is_an_error() {
    let row = |number| numbered(number, ROW, &[]);
    for datagrams in [
        vec![row(1)],
        vec![row(1), row(1)],
        vec![row(1), row(3)],
        vec![row(1), refusal(2, 0)],
        vec![row(1), numbered(2, DONE, &[0; 4])],
    ] {
        assert!(ask(2, datagrams.clone()).is_err(), "{datagrams:?}");
    }
    assert!(ask(2, vec![row(1), row(2)]).is_ok());
}
