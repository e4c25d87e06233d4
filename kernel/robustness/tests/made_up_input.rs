//! The targets with input that is made up from their seeds, the same in every run.

use bareflow_robustness::{PARTITION, SNAPSHOT, TARGETS, Target, VOLUME};
use fastrand::Rng;

const RUNS: u32 = 100_000;
const MOST_CHANGES: usize = 8;
const MOST_BYTES: usize = 4096;

/// A seed with a few changes of the kinds that fuzzers make.
fn made_up(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds[random.usize(..seeds.len())].clone();
    for _ in 0..random.usize(..=MOST_CHANGES) {
        let place = random.usize(..=bytes.len());
        let length = random.usize(..=8).min(bytes.len() - place);
        let range = place..place + length;
        match random.u8(..8) {
            0 => drop(bytes.drain(range)),
            1 => {
                let added: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
                drop(bytes.splice(place..place, added));
            }
            2 => {
                let copied = bytes[range].to_vec();
                let target = random.usize(..=bytes.len());
                drop(bytes.splice(target..target, copied));
            }
            3 => bytes[range].fill(random.choice([0, 1, 0x7f, 0x80, 0xff]).expect("five")),
            4 => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
            5 => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = byte.wrapping_add(random.u8(..).wrapping_sub(128) % 4);
                }
            }
            _ => bytes[range].fill_with(|| random.u8(..)),
        }
    }
    bytes.truncate(MOST_BYTES);
    bytes
}

fn run(target: Target) {
    let seeds = (target.seeds)();
    seeds.iter().for_each(|seed| (target.check)(seed));
    let mut random = Rng::with_seed(1);
    for number in 0..RUNS {
        let input = made_up(&seeds, &mut random);
        let result = std::panic::catch_unwind(|| (target.check)(&input));
        assert!(result.is_ok(), "{}, input {number}: {input:?}", target.name);
    }
}

#[test]
fn partitions_keep_their_promises() {
    run(PARTITION);
}

#[test]
fn snapshots_keep_their_promises() {
    run(SNAPSHOT);
}

#[test]
fn volumes_keep_their_promises() {
    run(VOLUME);
}

#[test]
fn every_target_has_a_name_of_its_own_and_seeds() {
    for (index, target) in TARGETS.iter().enumerate() {
        assert!(
            TARGETS[..index]
                .iter()
                .all(|other| other.name != target.name)
        );
        assert!(!(target.seeds)().is_empty());
    }
}
