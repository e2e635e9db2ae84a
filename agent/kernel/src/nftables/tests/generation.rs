//! Generations that move, against a scripted kernel.

use std::collections::VecDeque;
use std::io;

use super::*;

const PORT: u32 = 7;
const MULTI: u16 = 2;

/// Answers `GETGEN` with the next generation of a list (the last one for ever), and a dump of tables with one table that was
/// made in the generation given; all other dumps are empty.
#[derive(Debug, Default)]
struct Script {
    generations: VecDeque<u32>,
    table_of: Option<u16>,
    pending: VecDeque<Vec<u8>>,
}

fn message(message_type: u16, flags: u16, sequence: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(payload.len() + 16).unwrap().to_ne_bytes().to_vec();
    out.extend(message_type.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(sequence);
    out.extend(PORT.to_ne_bytes());
    out.extend(payload);
    out
}

impl Link for Script {
    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let (kind, sequence) = (u16::from_ne_bytes([request[4], request[5]]), &request[8..12]);
        if kind == consts::GET_GENERATION {
            let generation = self.generations.front().copied().unwrap();
            if self.generations.len() > 1 {
                self.generations.pop_front();
            }
            let mut payload = vec![0, 0, 0, 0, 8, 0, 1, 0];
            payload.extend(generation.to_be_bytes());
            self.pending
                .push_back(message(consts::NEW_GENERATION, 0, sequence, &payload));
            self.pending.push_back(message(2, 0, sequence, &[0; 4]));
            return Ok(());
        }
        if let (consts::GET_TABLE, Some(generation)) = (kind, self.table_of) {
            let [high, low] = generation.to_be_bytes();
            let payload = [&[2, 0, high, low, 6, 0, 1, 0][..], b"t\0\0\0"].concat();
            self.pending
                .push_back(message(consts::NEW_TABLE, MULTI, sequence, &payload));
        }
        self.pending.push_back(message(3, MULTI, sequence, &[0; 4]));
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let datagram = self.pending.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        buffer[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }
}

fn one_pass(generations: &[u32], table_of: u16) -> (Dump, bool) {
    let netfilter = Script {
        generations: generations.iter().copied().collect(),
        table_of: Some(table_of),
        pending: VecDeque::new(),
    };
    let mut route = Socket::over(Script::default(), PORT);
    pass(&mut Socket::over(netfilter, PORT), &mut route).unwrap()
}

#[test]
fn one_generation_throughout_is_whole() {
    let (dump, whole) = one_pass(&[0x0001_0005], 5);
    assert!(whole);
    assert_eq!((dump.generation, dump.raw.messages.len()), (0x0001_0005, 1));
}

#[test]
fn a_generation_that_moves_during_the_pass_is_not_whole() {
    assert!(!one_pass(&[5, 6], 5).1);
    assert!(
        !one_pass(&[5, 5 + (1 << 16)], 5).1,
        "also when the half in the messages comes round to the same"
    );
}

#[test]
fn a_message_of_another_generation_is_not_whole() {
    assert!(!one_pass(&[5], 6).1);
}
