//! Taking turns, so that whatever else the machine does hits everybody alike.

use std::time::{Duration, Instant};

/// How long a turn takes at least: short, so that some turns are not interrupted.
const TURN: Duration = Duration::from_millis(1);
/// How many turns everybody gets at least, and how long a race may take beyond that.
const TURNS: usize = 5;
const RACE: Duration = Duration::from_secs(2);

/// Something that is timed: does its work so many times.
pub struct Contestant<'a> {
    work: Box<dyn FnMut() + 'a>,
}

impl<'a> Contestant<'a> {
    pub fn new(work: impl FnMut() + 'a) -> Self {
        Self {
            work: Box::new(work),
        }
    }

    fn turn(&mut self, times: u32) -> Duration {
        let start = Instant::now();
        for _ in 0..times {
            (self.work)();
        }
        start.elapsed()
    }

    /// How often the work must be done to fill a turn.
    fn calibrate(&mut self) -> u32 {
        let mut times = 1;
        loop {
            let took = self.turn(times);
            if took >= TURN || times >= 1 << 24 {
                return times;
            }
            times *= 2;
        }
    }
}

/// Nanoseconds of one piece of work for each, in its fastest turn.
pub fn race<const N: usize>(mut all: [Contestant<'_>; N]) -> [f64; N] {
    let times: Vec<u32> = all.iter_mut().map(Contestant::calibrate).collect();
    let mut best = [f64::INFINITY; N];
    let start = Instant::now();
    let mut turns = 0;
    while turns < TURNS || start.elapsed() < RACE {
        turns += 1;
        for ((one, times), best) in all.iter_mut().zip(&times).zip(&mut best) {
            let nanos = one.turn(*times).as_secs_f64() * 1e9 / f64::from(*times);
            *best = best.min(nanos);
        }
    }
    best
}
